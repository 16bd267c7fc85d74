/**
 * A TCP way to an HTTP server that cuts answers short, answers in the server's place, is slow, silent or closed. Bytes pass as
 * they are, so signatures stay good.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export type CuttingProxy = Awaited<ReturnType<typeof openCuttingProxy>>;

/** What becomes of one request: its answer is cut after so many bytes, or given here, or nothing comes. */
export type Fate = { cutAfter: number } | { answer: string } | "silence";

export interface SeenRequest {
    method: string;
    /** With its query, as it was sent. */
    path: string;
    /** By names in lower case. */
    headers: Record<string, string>;
}

/** An answer in S3's form. */
export function refusal(status: number, code: string, headers = ""): Fate {
    const body = `<Error><Code>${code}</Code><Message>by the proxy</Message></Error>`;
    return { answer: `HTTP/1.1 ${status} No\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}` };
}

export async function openCuttingProxy(serverPort: number) {
    const links = new Set<Socket>();
    const requests: SeenRequest[] = [];
    /** Of the next requests, in order; then `fateOf`, of each. */
    const fates: (Fate | null)[] = [];
    let fateOf: (request: SeenRequest) => Fate | null | Promise<Fate | null> = () => null;
    let pieceMs = 0;

    const accept = (client: Socket) => {
        const server = connect(serverPort, "127.0.0.1");
        let left = Number.POSITIVE_INFINITY;
        links.add(client);
        client.on("data", async (bytes: Buffer) => {
            const request = readRequest(bytes);
            if (request === null) return void server.write(bytes);
            requests.push(request);
            const fate = fates.length > 0 ? fates.shift()! : await fateOf(request);
            if (fate === "silence") return;
            if (fate !== null && "answer" in fate) return void client.write(fate.answer);
            left = fate?.cutAfter ?? Number.POSITIVE_INFINITY;
            server.write(bytes);
        });
        let passing = Promise.resolve();
        const pass = async (bytes: Buffer) => {
            if (pieceMs > 0) await Bun.sleep(pieceMs);
            if (client.destroyed || left <= 0) return;
            client.write(bytes.subarray(0, left));
            left -= bytes.length;
            if (left > 0) return;
            // What was let through is to arrive and be read: fetch drops with a broken answer what it still holds of it.
            await Bun.sleep(30);
            client.end();
        };
        server.on("data", (bytes: Buffer) => {
            passing = passing.then(() => pass(bytes));
        });
        server.on("error", () => {}).on("close", () => passing.then(() => client.end()));
        client
            .on("error", () => {})
            .on("close", () => {
                links.delete(client);
                server.destroy();
            });
    };
    const listen = async (port: number): Promise<Server> => {
        const server = createServer(accept);
        await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
        return server;
    };
    let listener: Server | null = await listen(0);
    const { port } = listener.address() as { port: number };
    return {
        endpoint: `http://127.0.0.1:${port}`,
        /** All that it has seen. */
        requests,
        /** Of the next requests, whatever they are; null lets one through. */
        next(...coming: (Fate | null)[]) {
            fates.push(...coming);
        },
        /** Of every request that comes, until `mend`. What it awaits happens before the request goes on. */
        each(choose: typeof fateOf) {
            fateOf = choose;
        },
        /** Each piece of an answer, of some 64 KB at most, comes so much later. */
        slow(ms: number) {
            pieceMs = ms;
        },
        /** Cuts everything, and refuses connections. */
        takeDown() {
            listener?.close();
            listener = null;
            for (const client of links) client.destroy();
        },
        async mend() {
            fates.length = 0;
            fateOf = () => null;
            pieceMs = 0;
            listener ??= await listen(port);
        },
        close() {
            listener?.close();
            for (const client of links) client.destroy();
        },
    };
}

/** Null: it goes on with the body of one before. */
function readRequest(bytes: Buffer): SeenRequest | null {
    const head = bytes.toString("latin1").split("\r\n\r\n")[0]!.split("\r\n");
    const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(head[0]!) ?? [];
    if (method === undefined || path === undefined) return null;
    const headers = head.slice(1).map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    });
    return { method, path, headers: Object.fromEntries(headers) };
}
