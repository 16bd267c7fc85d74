/** Puts the app on a port. */
import { exitCodes, SluiceError } from "../../errors.ts";
import { maxBodyBytes, servingTerms } from "./create-app.ts";
import type { Api } from "./route-types.ts";
import { refuseExposure } from "./safety/check-exposure.ts";

export interface ServeOptions {
    app: Api;
    /** The address to bind, always given: Bun.serve without one binds every interface. */
    host: string;
    /** 0 takes any free one. */
    port: number;
}

export interface ServedApi {
    /** With the port that was bound, without a slash at the end. */
    url: string;
    port: number;
    /** Refuses new connections, lets requests end for up to a second, then closes what is left. */
    stop(): Promise<void>;
}

const stopGraceMs = 1000;
/** How far above what the app takes, so that the app can say what is wrong; Bun answers more with a bare 413. */
const spareBodyBytes = 3 * maxBodyBytes;

/**
 * @throws SluiceError api_token_missing when others could reach an app that asks for no token; port_taken,
 * port_not_allowed or host_not_found; each with the remedy
 */
export function serveApi({ app, host, port }: ServeOptions): ServedApi {
    const { asksForToken = false, longestBody = maxBodyBytes } = servingTerms.get(app) ?? {};
    refuseExposure(host, asksForToken);
    const server = listen();
    return {
        url: `http://${urlHost(host)}:${server.port}`,
        port: server.port!,
        async stop() {
            await Promise.race([server.stop(), Bun.sleep(stopGraceMs)]);
            await server.stop(true);
        },
    };

    function listen(): Bun.Server<undefined> {
        try {
            return Bun.serve({
                hostname: host,
                port,
                maxRequestBodySize: longestBody + spareBodyBytes,
                fetch: (request, server) => app.fetch(request, { server }),
            });
        } catch (error) {
            throw explainListenFault(error, host, port);
        }
    }
}

/** A browser cannot open 0.0.0.0 or :: everywhere; this machine answers on loopback as well. */
export function urlHost(host: string): string {
    if (host === "0.0.0.0") return "127.0.0.1";
    if (host === "::") return "[::1]";
    return host.includes(":") ? `[${host}]` : host;
}

function explainListenFault(error: unknown, host: string, port: number): unknown {
    const explain = (code: string, setting: string, what: string, remedy: string) =>
        new SluiceError({ code, what, remedy, setting, exitCode: exitCodes.configuration, cause: error });
    switch ((error as { code?: unknown } | null)?.code) {
        case "EADDRINUSE":
            return explain(
                "port_taken",
                "port",
                `Port ${port} on ${host} is already in use.`,
                "Stop the program that uses it, or choose another with --port (--port 0 takes any free one).",
            );
        case "EACCES":
            return explain(
                "port_not_allowed",
                "port",
                `This user may not use port ${port} on ${host}.`,
                "Choose a port above 1023 with --port.",
            );
        case "EADDRNOTAVAIL":
        case "ENOTFOUND":
        case "EINVAL":
            return explain(
                "host_not_found",
                "host",
                `${host} is no address of this machine.`,
                "Choose one with --host; 127.0.0.1 serves this machine only.",
            );
        default:
            return error;
    }
}
