/** Many who watch: open streams and polling clients on raw sockets, which cost the watcher little. */
import { connect, type Socket } from "node:net";

export interface Viewers {
    /** Bytes that came over the streams. */
    streamedBytes(): number;
    /** Streams that were ended by the other side. */
    ended(): number;
    /** Answers of the polls by status code. */
    answers: Record<number, number>;
    close(): Promise<void>;
}

export interface ViewerOptions {
    port: number;
    streams: number;
    pollers: number;
    /** Streams whose bytes nobody reads. */
    stalled?: number;
    pollMs?: number;
}

/** The page asks for them again and again. */
const polled = ["/v1/status", "/v1/flow?window=5m", "/v1/batches?limit=200", "/v1/files?limit=12", "/v1/stats"];

export function openViewers({ port, streams, pollers, stalled = 0, pollMs = 1000 }: ViewerOptions): Viewers {
    const sockets: Socket[] = [];
    const answers: Record<number, number> = {};
    let streamedBytes = 0;
    let ended = 0;
    let isClosed = false;

    const openStream = (isReading: boolean) => {
        const socket = connect(port, "127.0.0.1");
        sockets.push(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
            ended += isClosed ? 0 : 1;
        });
        if (isReading) socket.on("data", (bytes: Buffer) => (streamedBytes += bytes.length));
        else socket.pause();
        socket.write("GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    };
    for (let number = 0; number < streams; number++) openStream(true);
    for (let number = 0; number < stalled; number++) openStream(false);

    async function poll(number: number): Promise<void> {
        // Spread over the second, as pages that were opened at any time are.
        await Bun.sleep((number * pollMs) / pollers);
        for (let turn = number; !isClosed; turn++) {
            const response = await fetch(`http://127.0.0.1:${port}${polled[turn % polled.length]}`).catch(() => null);
            await response?.arrayBuffer().catch(() => null);
            const status = response?.status ?? 0;
            answers[status] = (answers[status] ?? 0) + 1;
            await Bun.sleep(pollMs);
        }
    }
    const polling = Promise.all(Array.from({ length: pollers }, (_, number) => poll(number)));

    return {
        streamedBytes: () => streamedBytes,
        ended: () => ended,
        answers,
        async close() {
            isClosed = true;
            for (const socket of sockets) socket.destroy();
            await polling;
        },
    };
}
