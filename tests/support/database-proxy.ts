/**
 * A TCP way to a database that can be cut, stalled and mended, and that loses answers: what a client sees when the server
 * is stopped, hangs, or goes on with what it was sent and commits it while nobody hears of it.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { type DatabaseTarget, makeTarget } from "../../src/database/database-target.ts";

export type DatabaseProxy = Awaited<ReturnType<typeof openDatabaseProxy>>;

interface Link {
    client: Socket;
    server: Socket;
    losesAnswer: boolean;
}

/** How long the server still hears nothing of the client's end: a merge commits in that time. */
const serverLingerMs = 300;
/** The server's CommandComplete for what reads, writes or calls; one such as SET's is nobody's loss. */
const answerOfDone = /C\0\0\0.(SELECT|INSERT|UPDATE|DELETE|COPY|COMMIT)/s;

/** `alterAnswer` changes the bytes that the server sends, as latin1, without changing their length. */
export async function openDatabaseProxy(
    target: DatabaseTarget,
    {
        alterAnswer = (text) => text,
        address = "127.0.0.1",
    }: { alterAnswer?: (text: string) => string; address?: string } = {},
) {
    const links = new Set<Link>();
    let place = target;
    let isStalled = false;
    let answersLost = 0;
    let statements = 0;

    const accept = (client: Socket) => {
        const server = place.host.startsWith("/")
            ? connect(`${place.host}/.s.PGSQL.${place.port}`)
            : connect(place.port, place.host);
        const link: Link = { client, server, losesAnswer: false };
        links.add(link);
        const count = createCounter(() => (statements += 1));
        client.on("data", (bytes: Buffer) => {
            count(bytes);
            if (!isStalled) server.write(bytes);
        });
        server.on("data", (bytes: Buffer) => {
            if (isStalled || client.destroyed) return;
            const text = bytes.toString("latin1");
            if (!link.losesAnswer || !answerOfDone.test(text)) return void client.write(alterAnswer(text), "latin1");
            answersLost += 1;
            client.destroy();
        });
        const end = () => {
            links.delete(link);
            client.destroy();
            setTimeout(() => server.destroy(), serverLingerMs);
        };
        for (const socket of [client, server]) socket.on("error", end).on("close", end);
    };
    const listen = async (port: number): Promise<Server> => {
        const server = createServer(accept);
        await new Promise<void>((resolve) => server.listen(port, address, resolve));
        return server;
    };
    let listener: Server | null = await listen(0);
    const { port } = listener.address() as { port: number };

    const cut = () => {
        const count = links.size;
        for (const { client } of links) client.destroy();
        return count;
    };
    const takeDown = () => {
        listener?.close();
        listener = null;
        cut();
    };
    return {
        /** The same database, through the proxy. */
        target: makeTarget({ ...target, host: address, port }),
        /** Cuts all connections there are now; returns how many. New ones may come. */
        cut,
        /** Cuts them, and refuses new ones until it is mended. */
        takeDown,
        /** Takes bytes and passes none on until it is mended. */
        stall() {
            isStalled = true;
        },
        async mend() {
            isStalled = false;
            listener ??= await listen(port);
        },
        /** Cuts all connections there are; those that come from now on lead to this server, as where a name moves. */
        moveTo(server: DatabaseTarget) {
            place = server;
            cut();
        },
        /**
         * Does not pass on the next answer that says that something is done, on each connection there is now: the
         * connection ends in its place. Returns how many there are.
         */
        loseAnswers() {
            for (const link of links) link.losesAnswer = true;
            return links.size;
        },
        /** How many answers have been lost so. */
        answersLost: () => answersLost,
        /** Statements that were sent through it so far. */
        statements: () => statements,
        async close() {
            for (const { server } of links) server.destroy();
            takeDown();
        },
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
