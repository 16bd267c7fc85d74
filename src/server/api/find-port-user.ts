/** Finds out who uses a port. */
import { createServer } from "node:net";
import { SluiceError } from "../../errors.ts";
import { urlHost } from "./serve.ts";

/** Whether this process could listen there. */
export function isPortOpen(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(port, host, () => server.close(() => resolve(true)));
    });
}

/** Whether what listens there is a Sluice, by its /livez. Takes a second at most. */
export async function findPortUser(host: string, port: number): Promise<"sluice" | "other"> {
    try {
        const answer = await fetch(`http://${urlHost(host)}:${port}/livez`, { signal: AbortSignal.timeout(1000) });
        const body: unknown = await answer.json();
        return (body as { status?: unknown } | null)?.status === "alive" ? "sluice" : "other";
    } catch {
        return "other";
    }
}

/** Says so when a port is taken because Sluice runs there already: then there is nothing to fix. */
export async function nameSluice(error: unknown, host: string, port: number): Promise<unknown> {
    if (!(error instanceof SluiceError) || error.code !== "port_taken") return error;
    if ((await findPortUser(host, port)) !== "sluice") return error;
    return new SluiceError({
        ...error,
        what: `Sluice is already running: http://${urlHost(host)}:${port}/ is its page.`,
        remedy: "Use that one, or stop it first. To run another, use a different --port, and for other files a different --data-dir.",
        cause: error.cause,
    });
}
