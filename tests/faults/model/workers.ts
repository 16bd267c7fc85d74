/** The worker processes of a run: started, watched, and judged by how they end and what they take of the machine. */
import { readdirSync, readFileSync } from "node:fs";
import { type IngestProcess, startIngest } from "../../support/ingest-process.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { watchUsage } from "../../support/watch-usage.ts";
import { saysRemedy, signsOfCollapse } from "../expect-orderly.ts";

interface WorkerStart {
    databaseUrl: string;
    flags: string[];
    environment: Record<string, string>;
    cwd: string;
}

export type Workers = ReturnType<typeof createWorkers>;

interface Worker {
    slot: number;
    process: IngestProcess;
    usage: ReturnType<typeof watchUsage>;
    isAvailableNow: boolean;
    /** By us, or by itself at a fault point. */
    isKilled: boolean;
    stoppedBy: Set<string>;
    isJudged: boolean;
}

/** For one worker: a few times what these runs take (`test:faults` prints that), and no more for a file of 10 MB than for one of 1 KB. */
const mostMemoryKiB = 500 * 1024;
const mostDescriptors = 80;
const pointLine = /^.*Fault point ([a-z-]+):\d+ is reached: ([a-z-]+)/gm;
/** `mayServerBeAway`: one that starts just then may say so, and what to do, and exit with 4. So may one that a busy machine keeps waiting. */
export function createWorkers(inputDir: string, { mayServerBeAway }: { mayServerBeAway: boolean }) {
    const all: Worker[] = [];
    const violations: string[] = [];
    const pointsReached: Record<string, number> = {};
    const open = () => all.filter(({ process }) => process.isRunning());
    const at = (slot: number) => open().find((worker) => worker.slot === slot);

    function judge(worker: Worker, exitCode: number): void {
        if (worker.isJudged) return;
        worker.isJudged = true;
        const stderr = worker.process.stderr();
        for (const [, point, action] of stderr.matchAll(pointLine)) {
            const name = `${point} ${action}`;
            pointsReached[name] = (pointsReached[name] ?? 0) + 1;
            if (action === "kill") worker.isKilled = true;
        }
        worker.usage.stop();
        const { memoryKiB, descriptors } = worker.usage.most();
        if (memoryKiB > mostMemoryKiB) violations.push(`worker ${worker.slot} took ${memoryKiB} KiB of memory`);
        if (descriptors > mostDescriptors) violations.push(`worker ${worker.slot} held ${descriptors} descriptors`);
        const allowed = new Set<number>();
        if (worker.isKilled) allowed.add(137);
        if (worker.stoppedBy.has("SIGTERM")) allowed.add(143);
        if (worker.stoppedBy.has("SIGINT")) allowed.add(130);
        // A file may have failed, for the time being or in an earlier run; and what was left may be rejects alone.
        if (worker.isAvailableNow) for (const code of [0, 1, 5]) allowed.add(code);
        if ((mayServerBeAway || stderr.includes("(CONNECT_TIMEOUT)")) && saysRemedy.test(stderr)) allowed.add(4);
        if (!allowed.has(exitCode))
            violations.push(`worker ${worker.slot} ended with ${exitCode}: ${stderr.slice(-1500)}`);
        if (signsOfCollapse(stderr).length > 0) violations.push(`worker ${worker.slot} said: ${stderr.slice(-1500)}`);
    }

    return {
        start(slot: number, { databaseUrl, flags, environment, cwd }: WorkerStart) {
            if (at(slot)) return;
            const process = startIngest(databaseUrl, inputDir, flags, { environment, cwd });
            const worker: Worker = {
                slot,
                process,
                usage: watchUsage(process.pid),
                isAvailableNow: flags.includes("available-now"),
                isKilled: false,
                stoppedBy: new Set(),
                isJudged: false,
            };
            all.push(worker);
            void process.finish({ deadlineMs: 3_600_000 }).then(({ exitCode }) => judge(worker, exitCode));
        },
        /** Those that run, frozen ones too. */
        running: () => open().map(({ slot }) => slot),
        stop(slot: number, signal: "SIGTERM" | "SIGINT") {
            const worker = at(slot);
            worker?.stoppedBy.add(signal);
            worker?.process.kill(signal);
        },
        async kill(slot: number) {
            const worker = at(slot);
            if (!worker) return false;
            worker.isKilled = true;
            worker.process.kill("SIGKILL");
            await worker.process.exited;
            return true;
        },
        freeze(slot: number) {
            const worker = at(slot);
            worker?.process.kill("SIGSTOP");
            return worker !== undefined;
        },
        thaw: (slot: number) => at(slot)?.process.kill("SIGCONT"),
        /** Ends them all by SIGTERM and waits for it. */
        async end() {
            for (const worker of open()) {
                worker.stoppedBy.add("SIGTERM");
                worker.process.kill("SIGCONT");
                worker.process.kill("SIGTERM");
            }
            await waitUntil("all workers end", () => all.every(({ isJudged }) => isJudged));
        },
        /** Ends them all by SIGKILL: after a failure. */
        async destroy() {
            for (const { process } of open()) process.kill("SIGKILL");
            await Promise.all(all.map(({ process }) => process.exited));
        },
        /** How often a worker said that a fault point was reached, by point and action. */
        pointsReached,
        violations,
        said: () =>
            all.map(({ slot, process }) => `--- worker ${slot}, pid ${process.pid}\n${process.stderr()}`).join("\n"),
    };
}

/** Processes other than this one that were started on the folder and are still there. */
export function findLeftProcesses(inputDir: string): string[] {
    const pids = readdirSync("/").includes("proc") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
    return pids.flatMap((pid) => {
        try {
            const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
            return words.includes(inputDir) ? [`process ${pid}: ${words.join(" ")}`] : [];
        } catch {
            return [];
        }
    });
}
