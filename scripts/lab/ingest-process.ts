/** Runs the ingest as a process that may be killed at any time: another one is started in its place. */
import { programCommand } from "../../src/program.ts";

export interface IngestProcess {
    /** Null between the end of one process and the start of the next. */
    pid(): number | null;
    /** kill -9. Returns the process that was killed; null when none was there. */
    kill(): number | null;
    /** SIGTERM, and SIGKILL when that does not end it. No other process is started. */
    stop(): Promise<void>;
    /** Rejects when the process ends by itself again and again. */
    failed: Promise<never>;
}

const restartAfterMs = 500;
const stopGraceMs = 8_000;
/** A process that ends this soon after its start, this often in a row, was not crashed by somebody. */
const shortLifeMs = 5_000;
const mostShortLives = 5;

/** `args`: for `bun run ingest`. */
export function startIngestProcess(args: readonly string[], log: (line: string) => void): IngestProcess {
    let child: Bun.Subprocess | null = null;
    let isStopped = false;
    let isKilled = false;
    let shortLives = 0;
    const failure = Promise.withResolvers<never>();
    // Without a handler, a rejection that nobody awaits would end this process.
    failure.promise.catch(() => {});

    const loop = run();
    return {
        pid: () => child?.pid ?? null,
        kill() {
            if (child === null) return null;
            isKilled = true;
            child.kill("SIGKILL");
            return child.pid;
        },
        async stop() {
            isStopped = true;
            child?.kill("SIGTERM");
            const timer = setTimeout(() => child?.kill("SIGKILL"), stopGraceMs);
            await loop;
            clearTimeout(timer);
        },
        failed: failure.promise,
    };

    async function run(): Promise<void> {
        while (!isStopped) {
            const startedAt = performance.now();
            isKilled = false;
            child = Bun.spawn(programCommand(["ingest", ...args]), {
                stdio: ["ignore", "inherit", "inherit"],
                // The channel carries nothing: its end tells the child that this process is gone (see onStopSignal).
                ipc: () => {},
            });
            const exitCode = await child.exited;
            child = null;
            if (isStopped) return;
            shortLives = isKilled || performance.now() - startedAt > shortLifeMs ? 0 : shortLives + 1;
            if (shortLives === mostShortLives) {
                return failure.reject(new Error(`The ingest ended ${mostShortLives} times at once (${exitCode}).`));
            }
            log(`The ingest has ended (${isKilled ? "killed" : exitCode}); another one is started.`);
            await Bun.sleep(restartAfterMs);
        }
    }
}
