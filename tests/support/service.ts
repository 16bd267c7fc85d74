/** The service as a child process, on a database of the caller's: everything that a visitor of the page meets. */
import { collect, spawnScript } from "./run-script.ts";
import { waitUntil } from "./wait-until.ts";

export type Service = Awaited<ReturnType<typeof startPage>>;

/** `bun run start`. Port 0 takes any. It generates nothing unless `flags` say so. */
export async function startService(
    databaseUrl: string,
    inputDir: string,
    { port = 0, flags = [] }: { port?: number; flags?: string[] } = {},
) {
    const args = ["--input", inputDir, "--port", String(port), ...flags];
    return await startPage(args, { DATABASE_URL: databaseUrl });
}

/** `bun run start --lab`, on an embedded server of its own below `dataDir`; it generates nothing. */
export async function startLabService({ dataDir, inputDir }: { dataDir: string; inputDir: string }) {
    return await startPage(["--lab", "--no-generate", "--data-dir", dataDir, "--input", inputDir, "--port", "0"], {});
}

async function startPage(args: string[], environment: Record<string, string>) {
    const { child, url } = await startAndRead("start", args, environment, /^ {2}page +(\S+)$/m);
    return {
        /** With the slash. */
        pageUrl: url,
        port: Number(new URL(url).port),
        pid: child.pid,
        /** SIGTERM, and SIGKILL when it does not go; resolves when it is gone. */
        stop: () => end(child),
    };
}

/** `bun run api` on any port. */
export async function startApi(databaseUrl: string, environment: Record<string, string> = {}) {
    const variables = { DATABASE_URL: databaseUrl, ...environment };
    const { child, url } = await startAndRead("api", ["--port", "0"], variables, /^The API is at (\S+)$/m);
    return { url, pid: child.pid, stop: () => end(child) };
}

type Child = ReturnType<typeof spawnScript>;

async function startAndRead(
    script: string,
    args: string[],
    environment: Record<string, string>,
    address: RegExp,
): Promise<{ child: Child; url: string }> {
    const child = spawnScript(script, args, { environment });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const url = await waitUntil(`${script} tells its address`, () => {
        if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}: ${stderr.text()}`);
        return address.exec(stdout.text())?.[1] ?? null;
    });
    return { child, url };
}

async function end(child: Child): Promise<void> {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await child.exited;
    clearTimeout(timer);
}
