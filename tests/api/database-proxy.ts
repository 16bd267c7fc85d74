/** A TCP way to the test's database that can be cut and mended: what the API sees when Postgres is stopped, or stalls. */
import type { Socket } from "bun";
import { type DatabaseTarget, makeTarget } from "../../src/database/database-target.ts";

export interface DatabaseProxy {
    /** Leads through the proxy. */
    target: DatabaseTarget;
    /** Ends every connection and refuses new ones. */
    cut(): void;
    /** Takes bytes and passes none on. */
    stall(): void;
    mend(): void;
    /** Statements that were sent through it so far. */
    statements(): number;
    stop(): void;
}

interface Link {
    peer?: Socket<Link> | undefined;
    waiting: Uint8Array[];
    /** Of the client's side. */
    countStatements?: (bytes: Uint8Array) => void;
}

export function openDatabaseProxy(target: DatabaseTarget): DatabaseProxy {
    let isStalled = false;
    const sockets = new Set<Socket<Link>>();

    let statements = 0;

    const pass = (socket: Socket<Link>, bytes: Uint8Array) => {
        socket.data.countStatements?.(bytes);
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
                    socket.data = { waiting: [], countStatements: createCounter(() => (statements += 1)) };
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
        target: makeTarget({ ...target, host: "127.0.0.1", port }),
        cut,
        stall() {
            isStalled = true;
        },
        mend() {
            isStalled = false;
            listener ??= listen(port);
        },
        statements: () => statements,
        stop: cut,
    };
}

/**
 * Reads what a client sends (https://www.postgresql.org/docs/current/protocol-message-formats.html): the first message
 * has a length alone, the others a type before it; Execute and Query are one statement each.
 */
function createCounter(onStatement: () => void): (bytes: Uint8Array) => void {
    let pending = Buffer.alloc(0);
    let isStarted = false;
    return (bytes) => {
        pending = Buffer.concat([pending, bytes]);
        while (true) {
            const typeBytes = isStarted ? 1 : 0;
            if (pending.length < typeBytes + 4) return;
            const length = typeBytes + pending.readUInt32BE(typeBytes);
            if (pending.length < length) return;
            const type = isStarted ? String.fromCharCode(pending[0]!) : "";
            if (type === "E" || type === "Q") onStatement();
            isStarted = true;
            pending = pending.subarray(length);
        }
    };
}
