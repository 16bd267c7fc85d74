/** `bun run start` as a child process on a database of the caller's: everything that a visitor of the page meets. */
import { spawnScript } from "./run-script.ts";
import { waitUntil } from "./wait-until.ts";

export interface Service {
    /** With the slash. */
    pageUrl: string;
    port: number;
    pid: number;
    /** SIGTERM, and SIGKILL when it does not go; resolves when it is gone. */
    stop(): Promise<void>;
}

/** Port 0 takes any. It generates nothing unless `flags` say so. */
export async function startService(
    databaseUrl: string,
    inputDir: string,
    { port = 0, flags = [] }: { port?: number; flags?: string[] } = {},
): Promise<Service> {
    const child = spawnScript("start", ["--input", inputDir, "--port", String(port), ...flags], {
        environment: { DATABASE_URL: databaseUrl },
    });
    let stdout = "";
    let stderr = "";
    void collect(child.stdout, (piece) => {
        stdout += piece;
    });
    void collect(child.stderr, (piece) => {
        stderr += piece;
    });
    const pageUrl = await waitUntil("the page is served", () => {
        if (child.exitCode !== null) throw new Error(`start ended with ${child.exitCode}: ${stderr}`);
        return /^ {2}page +(\S+)$/m.exec(stdout)?.[1] ?? null;
    });
    return {
        pageUrl,
        port: Number(new URL(pageUrl).port),
        pid: child.pid,
        async stop() {
            child.kill("SIGTERM");
            const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
            await child.exited;
            clearTimeout(timer);
        },
    };
}

async function collect(stream: ReadableStream<Uint8Array>, take: (piece: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const piece of stream) take(decoder.decode(piece, { stream: true }));
}
