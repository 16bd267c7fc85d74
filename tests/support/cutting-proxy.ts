/**
 * A TCP proxy that cuts connections: the client sees its connection end, while the server may go on with what it has
 * been sent, and commit it. So an answer gets lost, or a request does, or half of one.
 */
import { connect, createServer, type Socket } from "node:net";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { makeTarget } from "../../src/database/database-target.ts";

export interface CuttingProxy {
    /** The same database, through the proxy. */
    target: DatabaseTarget;
    /** Cuts all connections there are now; returns how many. */
    cut(): number;
    /**
     * Of each connection there is now, the next answer that says that something is done is not passed on: the connection
     * ends in its place. Returns how many there are.
     */
    loseAnswers(): number;
    /** How many answers have been lost so. */
    answersLost(): number;
    close(): Promise<void>;
}

/** How long the server still hears nothing of the client's end: a merge commits in that time. */
const serverLingerMs = 300;
/** The server's CommandComplete for what reads, writes or calls; one such as SET's is nobody's loss. */
const answerOfDone = /C\0\0\0.(SELECT|INSERT|UPDATE|DELETE|COPY|COMMIT)/s;

export async function openCuttingProxy(target: DatabaseTarget): Promise<CuttingProxy> {
    const pairs = new Set<{ client: Socket; server: Socket }>();
    /** Those whose next answer will be lost. */
    const listening = new WeakSet<object>();
    let answersLost = 0;
    const proxy = createServer((client) => {
        const server = connect(target.port, target.host);
        const pair = { client, server };
        pairs.add(pair);
        client.pipe(server);
        server.pipe(client);
        const end = () => {
            pairs.delete(pair);
            client.destroy();
            setTimeout(() => server.destroy(), serverLingerMs);
        };
        for (const socket of [client, server]) socket.on("error", end).on("close", end);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as { port: number };
    return {
        target: makeTarget({ ...target, host: "127.0.0.1", port }),
        cut() {
            const count = pairs.size;
            for (const { client, server } of pairs) {
                server.unpipe(client);
                client.destroy();
            }
            return count;
        },
        loseAnswers() {
            const count = pairs.size;
            for (const pair of pairs) {
                if (listening.has(pair)) continue;
                listening.add(pair);
                const { client, server } = pair;
                server.unpipe(client);
                server.on("data", (bytes: Buffer) => {
                    if (client.destroyed) return;
                    if (!answerOfDone.test(bytes.toString("latin1"))) return void client.write(bytes);
                    answersLost += 1;
                    client.destroy();
                });
                server.resume();
            }
            return count;
        },
        answersLost: () => answersLost,
        async close() {
            for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
            await new Promise((resolve) => proxy.close(resolve));
        },
    };
}
