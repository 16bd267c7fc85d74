/** Decides what `allow` and `prefer` mean for this server, so that both drivers only ever see yes or no. */
import { connect as connectSocket } from "node:net";
import { type DatabaseTarget, databaseFault, describeTarget, type TlsMode } from "./database-target.ts";
import { sqlStateOf, sqlStates } from "./sql-states.ts";

/**
 * Tries the ways that libpq would try, in its order. Returns the target with the way that worked, and the answer.
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 * @param attempt connects and asks the server what it is.
 * @throws what the last attempt threw; SluiceError when TLS is asked for and the server has none.
 */
export async function decideTls<Answer>(
    target: DatabaseTarget,
    attempt: (target: DatabaseTarget) => Promise<Answer>,
): Promise<{ target: DatabaseTarget; answer: Answer }> {
    const ways = await waysFor(target);
    for (const [index, mode] of ways.entries()) {
        const way = { ...target, tls: { ...target.tls, mode } };
        try {
            return { target: way, answer: await attempt(way) };
        } catch (error) {
            // Another way helps only where the server's rules (pg_hba.conf) refuse this one.
            const isLast = index === ways.length - 1;
            if (isLast || sqlStateOf(error) !== sqlStates.invalidAuthorization) throw error;
        }
    }
    throw new Error("unreachable: there is always a way to try");
}

async function waysFor(target: DatabaseTarget): Promise<TlsMode[]> {
    const { mode } = target.tls;
    // libpq, too, uses no TLS on a Unix socket.
    if (mode === "disable" || target.host.startsWith("/")) return ["disable"];
    const offered = await serverOffersTls(target);
    if (mode === "allow") return offered ? ["disable", "require"] : ["disable"];
    if (mode === "prefer") return offered ? ["require", "disable"] : ["disable"];
    if (offered) return [mode];
    throw databaseFault(
        "server_without_tls",
        `The server of ${describeTarget(target)} offers no encryption, and sslmode=${mode} asks for it.`,
        "Switch on TLS on the server, or use sslmode=disable on a network that you trust.",
    );
}

/** https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL: the answer is one byte, S or N. */
function serverOffersTls(target: DatabaseTarget): Promise<boolean> {
    const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
    const timeoutSeconds = target.connectTimeoutSeconds ?? 10;
    return new Promise((resolve, reject) => {
        const socket = connectSocket(target.port, target.host);
        const fail = (error: Error) => {
            socket.destroy();
            reject(error);
        };
        socket.setTimeout(timeoutSeconds * 1000, () =>
            fail(Object.assign(new Error("no answer"), { code: "CONNECT_TIMEOUT" })),
        );
        socket.once("error", fail);
        socket.once("close", () => fail(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
        socket.once("connect", () => socket.write(sslRequest));
        socket.once("data", (answer) => {
            resolve(answer[0] === 83);
            socket.destroy();
        });
    });
}
