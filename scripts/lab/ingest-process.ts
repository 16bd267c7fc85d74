/** The ingest as a process of its own that may be killed at any time: another one is started in its place. */
import { join } from "node:path";

export interface IngestProcess {
    /** Null between the end of one process and the start of the next. */
    pid(): number | null;
    /** kill -9. Returns the process that was killed; null when none was there. */
    kill(): number | null;
    /** SIGTERM; SIGKILL when it does not go. Resolves when it is gone, and then it stays so. */
    stop(): Promise<void>;
    /** Rejects when it ends by itself again and again: something is wrong that no restart mends. */
    failed: Promise<never>;
}

interface IngestProcessOptions {
    /** Of `bun run ingest`. */
    args: readonly string[];
    log: (line: string) => void;
}

const script = join(import.meta.dir, "../ingest.ts");
const restartAfterMs = 500;
const stopGraceMs = 8_000;
/** An end so soon after a start, so often in a row, is no crash that somebody caused. */
const shortLifeMs = 5_000;
const mostShortLives = 5;

export function startIngestProcess({ args, log }: IngestProcessOptions): IngestProcess {
    let child: Bun.Subprocess | null = null;
    let isStopped = false;
    let isKilled = false;
    let shortLives = 0;
    const failure = Promise.withResolvers<never>();
    // Whoever does not wait for it must not be ended by it.
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
            child = spawn(args);
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

function spawn(args: readonly string[]): Bun.Subprocess {
    return Bun.spawn([process.execPath, script, ...args], {
        stdin: "ignore",
        stdout: "inherit",
        stderr: "inherit",
        // Nothing is said through it: its end tells the child that this process is gone (see onStopSignal).
        ipc: () => {},
    });
}
