/** Puts the app on a port. */
import { exitCodes, SluiceError } from "../../errors.ts";
import type { Api } from "./api.ts";
import { longestBodies, maxBodyBytes } from "./app.ts";
import { refuseExposure } from "./safety/check-exposure.ts";
import { protectedApps } from "./safety/require-token.ts";

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
    refuseExposure(host, protectedApps.has(app));
    const server = listen(() =>
        Bun.serve({
            hostname: host,
            port,
            maxRequestBodySize: (longestBodies.get(app) ?? maxBodyBytes) + spareBodyBytes,
            fetch: (request, server) => app.fetch(request, { server }),
        }),
    );
    return {
        url: `http://${urlHost(host)}:${server.port}`,
        port: server.port!,
        async stop() {
            await Promise.race([server.stop(), Bun.sleep(stopGraceMs)]);
            await server.stop(true);
        },
    };

    function listen(serve: () => Bun.Server<undefined>): Bun.Server<undefined> {
        try {
            return serve();
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
    const code = (error as { code?: unknown } | null)?.code;
    const exitCode = exitCodes.configuration;
    if (code === "EADDRINUSE") {
        return new SluiceError({
            code: "port_taken",
            what: `Port ${port} on ${host} is already in use.`,
            remedy: `Stop the program that uses it, or choose another with --port (--port 0 takes any free one).`,
            setting: "port",
            exitCode,
            cause: error,
        });
    }
    if (code === "EACCES") {
        return new SluiceError({
            code: "port_not_allowed",
            what: `Port ${port} on ${host} may not be used by this user.`,
            remedy: "Choose a port above 1023 with --port.",
            setting: "port",
            exitCode,
            cause: error,
        });
    }
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EINVAL") {
        return new SluiceError({
            code: "host_not_found",
            what: `${host} is no address of this machine.`,
            remedy: "Choose one with --host; 127.0.0.1 is this machine alone.",
            setting: "host",
            exitCode,
            cause: error,
        });
    }
    return error;
}
