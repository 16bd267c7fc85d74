/** Ctrl-C and SIGTERM, also through npx: the first asks to stop, a later one insists. */
import { readFileSync } from "node:fs";
import { isStartedByNpm } from "../environment.ts";

export type StopSignal = "SIGINT" | "SIGTERM";

export interface StopHandler {
    /** The first signal. Called once. */
    stop(signal: StopSignal): void;
    /** Each later press. Without it the process exits at once, with 130 or 143. */
    again?(signal: StopSignal): void;
}

/** One Ctrl-C arrives twice, from the terminal and from `bun run`, within a millisecond: this close is the same press. */
const samePressMs = 300;
const watchEveryMs = 250;

/** Calls the handler on signals until the returned function is called. The clock is a parameter for tests. */
export function onStopSignal(
    handler: StopHandler,
    { nowMs = () => performance.now(), underNpm = isStartedByNpm() } = {},
): () => void {
    let pressedAtMs: number | undefined;
    const press = (signal: StopSignal) => {
        const atMs = nowMs();
        if (pressedAtMs === undefined) {
            pressedAtMs = atMs;
            handler.stop(signal);
        } else if (atMs - pressedAtMs >= samePressMs) {
            (handler.again ?? forceExit)(signal);
        }
    };
    // npx ends soon after a Ctrl-C that this process has seen too: that is no second press.
    const stopWatching = underNpm ? watchAncestors(() => pressedAtMs === undefined && press("SIGTERM")) : () => {};
    // A parent that opened a channel to this process, as the crash lab does, is gone.
    const orphan = () => pressedAtMs === undefined && press("SIGTERM");
    process.on("disconnect", orphan);
    process.on("SIGINT", press);
    process.on("SIGTERM", press);
    return () => {
        process.off("disconnect", orphan);
        process.off("SIGINT", press);
        process.off("SIGTERM", press);
        stopWatching();
    };
}

/** For commands that only serve: the signal that ends them. A second press exits at once. */
export function waitForStopSignal(): Promise<StopSignal> {
    return new Promise((stop) => onStopSignal({ stop }));
}

export function exitCodeOf(signal: StopSignal): number {
    return signal === "SIGINT" ? 130 : 143;
}

/** For commands that have nothing to finish: cleans up, then exits with the signal's code; a second press exits at once. */
export function exitOnStopSignal(cleanUp: () => Promise<unknown>): () => void {
    return onStopSignal({
        stop(signal) {
            cleanUp().then(
                () => forceExit(signal),
                () => forceExit(signal),
            );
        },
    });
}

/**
 * SIGTERM to npx kills it and its shell and orphans `bun run` and this process, which hear nothing: the only trace is
 * that the parent or the grandparent is another one now.
 */
function watchAncestors(onChange: () => void): () => void {
    const ancestors = readAncestors();
    const timer = setInterval(() => {
        if (readAncestors() === ancestors) return;
        clearInterval(timer);
        onChange();
    }, watchEveryMs);
    timer.unref();
    return () => clearInterval(timer);
}

function readAncestors(): string {
    return `${process.ppid} ${readParentPid(process.ppid)}`;
}

/** 0 when there is no such process any more. */
export function readParentPid(pid: number): number {
    if (process.platform !== "linux") {
        return Number(
            Bun.spawnSync(["ps", "-o", "ppid=", "-p", String(pid)])
                .stdout.toString()
                .trim(),
        );
    }
    try {
        // `pid (name) state ppid …`: the name may hold spaces and parentheses. See proc(5).
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    } catch {
        return 0;
    }
}

function forceExit(signal: StopSignal): never {
    process.exit(exitCodeOf(signal));
}
