/** Decides what is told of a stream, from what was told before and what is seen now, by the database's clock. Pure. */
import type { Seen, ToldState } from "./told-state.ts";

/** A row of ingest.told_states. */
export interface StreamMemory {
    stream: string;
    /** As it was read; 0 when there is no row. */
    version: number;
    told: ToldState;
    toldSince: string | null;
    toldAt: string | null;
    seen: ToldState;
    seenSince: string;
    troubledSince: string | null;
    isWatched: boolean | null;
}

export interface Rules {
    /** How long a problem lasts before it is told: a restart, or a file that comes in two parts, is none. */
    afterMs: number;
    /** How long it is over before that is told: a stream that fails every few minutes has one problem, not ten. */
    recoveryMs: number;
    /** How long until a problem that lasts is told again. */
    repeatMs: number;
}

export interface Change {
    kind: "problem" | "problem_lasts" | "recovered";
    from: ToldState;
    to: ToldState;
    /** Since when it is as `to` says; for a problem, since when it is not ok. */
    since: string;
    /** When the problem began that is over now; null when it is not. */
    troubledSince: string | null;
}

export const hourMs = 3_600_000;

/** A problem must be over for ten times as long as it must last. */
export function rulesFor(afterMs: number): Rules {
    return { afterMs, recoveryMs: 10 * afterMs, repeatMs: hourMs };
}

/**
 * `memory`: null for a stream that was never looked at; `isPending`: its latest message has not been delivered yet. Returns the
 * memory to write, and the change to tell, if any.
 */
export function decideChange(
    memory: StreamMemory | null,
    seen: Pick<Seen, "state" | "isWatched"> & { stream: string; isPending: boolean },
    asOf: string,
    rules: Rules,
): { memory: StreamMemory; change: Change | null } {
    const before = memory ?? neverSeen(seen.stream, asOf);
    const state = seen.state ?? before.told;
    const now: StreamMemory = {
        ...before,
        seen: state,
        seenSince: state === before.seen ? before.seenSince : asOf,
        troubledSince: state === "ok" && before.told === "ok" ? null : (before.troubledSince ?? asOf),
        isWatched: seen.isWatched,
    };
    const change = changeOf(now, seen.state !== null && !seen.isPending, asOf, rules);
    if (change === null) return { memory: now, change };
    const troubledSince = change.to === "ok" ? null : now.troubledSince;
    return { memory: { ...now, troubledSince, told: change.to, toldSince: change.since, toldAt: asOf }, change };
}

function neverSeen(stream: string, asOf: string): StreamMemory {
    const nothing = { toldSince: null, toldAt: null, troubledSince: null, isWatched: null };
    return { stream, version: 0, told: "ok", seen: "ok", seenSince: asOf, ...nothing };
}

function changeOf(now: StreamMemory, mayRepeat: boolean, asOf: string, rules: Rules): Change | null {
    const { told: from, seen: to, seenSince, troubledSince, toldAt, toldSince } = now;
    const hasLasted = (since: string | null, ms: number) =>
        since !== null && Date.parse(asOf) - Date.parse(since) >= ms;
    if (from === to) {
        const isDue = to !== "ok" && mayRepeat && hasLasted(toldAt, rules.repeatMs);
        return isDue ? { kind: "problem_lasts", from, to, since: toldSince ?? seenSince, troubledSince } : null;
    }
    if (to === "ok") {
        return hasLasted(seenSince, rules.recoveryMs)
            ? { kind: "recovered", from, to, since: seenSince, troubledSince }
            : null;
    }
    // From ok: the whole trouble counts, whatever forms it took.
    const since = from === "ok" ? troubledSince! : seenSince;
    return hasLasted(since, rules.afterMs) ? { kind: "problem", from, to, since, troubledSince: null } : null;
}

/** Whether there is anything to write. */
export function isSameMemory(before: StreamMemory | null, after: StreamMemory): boolean {
    if (before === null) return false;
    return (Object.keys(after) as (keyof StreamMemory)[]).every((name) => before[name] === after[name]);
}
