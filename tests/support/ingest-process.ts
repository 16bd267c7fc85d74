/** The ingest as a child process, the way a person runs it: to be watched, stopped, frozen and killed. */
import type { BatchProgress, IngestSummary } from "../../src/engine/run/progress.ts";
import { afterTest } from "./at-end.ts";
import { isLongRun } from "./generate-folder.ts";
import { collect, type ScriptOptions, spawnScript } from "./run-script.ts";

export type IngestProcess = ReturnType<typeof startIngest>;

export interface FinishedIngest {
    exitCode: number;
    /** Without the lines that tell how far it is: on a slow machine one every ten seconds. */
    stderr: string;
    batches: BatchProgress[];
    /** The last line of an available-now run that was not stopped. */
    summary: IngestSummary | null;
}

/** `cwd`: where sluice.config.ts and streams/ are looked for. */
export type IngestSurroundings = Pick<ScriptOptions, "environment" | "cwd" | "prefix">;

const progressLine = /^ingest: [\d,]+ (?:of (?:about )?[\d,]+ )?records.*\n/gm;

/**
 * `flags` come after `--input`, `--json` and the database's URL; without `--trigger` it watches, as `bun run ingest` does. It
 * is ended with the test.
 */
export function startIngest(
    databaseUrl: string,
    inputDir: string,
    flags: readonly string[] = [],
    { environment = {}, ...options }: IngestSurroundings = {},
) {
    const child = spawnScript("ingest", ["--input", inputDir, "--json", ...flags], {
        environment: { DATABASE_URL: databaseUrl, ...environment },
        ...options,
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const isRunning = () => child.exitCode === null && child.signalCode === null;
    const readLines = () =>
        stdout
            .text()
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line));
    /** Waits for its end. One that hangs is killed, and the error says what it had said. */
    async function finish({ deadlineMs = isLongRun ? 600_000 : 120_000 } = {}): Promise<FinishedIngest> {
        let isLate = false;
        const timer = setTimeout(() => {
            isLate = true;
            child.kill("SIGKILL");
        }, deadlineMs);
        const [exitCode] = await Promise.all([child.exited, stdout.ended, stderr.ended]);
        clearTimeout(timer);
        if (isLate) throw new Error(`The ingest did not end within ${deadlineMs} ms. It had said: ${stderr.text()}`);
        const lines = readLines();
        return {
            exitCode,
            stderr: stderr.text().replaceAll(progressLine, ""),
            batches: lines.filter(({ type }) => type !== "summary"),
            summary: lines.find(({ type }) => type === "summary") ?? null,
        };
    }
    /** SIGTERM, and waits for its end. */
    function stop(): Promise<FinishedIngest> {
        child.kill("SIGTERM");
        return finish();
    }
    afterTest(async () => {
        if (!isRunning()) return;
        child.kill("SIGCONT");
        await stop();
    });
    return {
        pid: child.pid,
        kill: (signal: NodeJS.Signals) => child.kill(signal),
        isRunning,
        /** The exit code: 128 + n when a signal ended it. */
        exited: child.exited,
        /** Its messages so far. */
        stderr: stderr.text,
        batches: (): BatchProgress[] => readLines().filter(({ type }) => type !== "summary"),
        stop,
        finish,
    };
}

/** Takes everything in the folder, unfinished tails too, as `ingest --trigger available-now --tail-settle 0` does, and ends. */
export async function ingestOnce(
    databaseUrl: string,
    inputDir: string,
    flags: readonly string[] = [],
    surroundings: IngestSurroundings = {},
): Promise<FinishedIngest> {
    const once = ["--trigger", "available-now", "--tail-settle", "0"];
    return await startIngest(databaseUrl, inputDir, [...once, ...flags], surroundings).finish();
}
