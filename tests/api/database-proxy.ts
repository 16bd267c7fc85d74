/** A TCP way to the test's database that can be cut and mended: what the API sees when Postgres is stopped, or stalls. */
import type { Socket } from "bun";
import type { DatabaseTarget } from "../../src/database/database-target.ts";

export interface DatabaseProxy {
    /** Leads through the proxy. */
    target: DatabaseTarget;
    /** Ends every connection and refuses new ones. */
    cut(): void;
    /** Takes bytes and passes none on. */
    stall(): void;
    mend(): void;
    stop(): void;
}

interface Link {
    peer?: Socket<Link> | undefined;
    waiting: Uint8Array[];
}

export function openDatabaseProxy(target: DatabaseTarget): DatabaseProxy {
    let isStalled = false;
    const sockets = new Set<Socket<Link>>();

    const pass = (socket: Socket<Link>, bytes: Uint8Array) => {
        if (isStalled) return;
        if (socket.data.peer) socket.data.peer.write(bytes);
        else socket.data.waiting.push(new Uint8Array(bytes));
    };
    const close = (socket: Socket<Link>) => {
        sockets.delete(socket);
        socket.data.peer?.end();
    };

    async function join(client: Socket<Link>): Promise<void> {
        const options = {
            data: { peer: client, waiting: [] },
            socket: { data: pass, close, open: (socket: Socket<Link>) => void sockets.add(socket) },
        };
        const server = await (target.host.startsWith("/")
            ? Bun.connect<Link>({ unix: `${target.host}/.s.PGSQL.${target.port}`, ...options })
            : Bun.connect<Link>({ hostname: target.host, port: target.port, ...options }));
        client.data.peer = server;
        for (const bytes of client.data.waiting) server.write(bytes);
    }

    const listen = (port: number) =>
        Bun.listen<Link>({
            hostname: "127.0.0.1",
            port,
            data: { waiting: [] },
            socket: {
                data: pass,
                close,
                open(socket) {
                    socket.data = { waiting: [] };
                    sockets.add(socket);
                    join(socket).catch(() => socket.terminate());
                },
            },
        });
    let listener: ReturnType<typeof listen> | undefined = listen(0);
    const { port } = listener;

    const cut = () => {
        listener?.stop(true);
        listener = undefined;
        for (const socket of sockets) socket.terminate();
    };
    return {
        target: { ...target, host: "127.0.0.1", port },
        cut,
        stall() {
            isStalled = true;
        },
        mend() {
            isStalled = false;
            listener ??= listen(port);
        },
        stop: cut,
    };
}
