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
    close(): Promise<void>;
}

/** How long the server still hears nothing of the client's end: a merge commits in that time. */
const serverLingerMs = 300;

export async function openCuttingProxy(target: DatabaseTarget): Promise<CuttingProxy> {
    const pairs = new Set<{ client: Socket; server: Socket }>();
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
        async close() {
            for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
            await new Promise((resolve) => proxy.close(resolve));
        },
    };
}
