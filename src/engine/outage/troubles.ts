/** The reasons that keep steps from succeeding now, as status shows them, and the retries so far. */
import { describeFault } from "../../database/describe-fault.ts";
import { meaningOf, sqlStateOf } from "../../database/sql-states.ts";

export interface Retries {
    count: number;
    /** SQLSTATE, or the driver's or the system's name for it. */
    lastReason: string;
    lastSecondsAgo: number;
}

/** For status; the ingest says it in its log too. */
export interface Trouble {
    /** SQLSTATE, or the driver's or the system's name for it. */
    code: string;
    /** Part of a sentence, for people: what it is, and what helps. */
    what: string;
    /** Failed attempts of this step. */
    attempts: number;
    seconds: number;
}

/** The trouble of one step. */
export interface Standing extends Omit<Trouble, "seconds"> {
    /** By the monotonic clock. */
    sinceAt: number;
    isSchema: boolean;
}

export type Troubles = ReturnType<typeof createTroubles>;

export function createTroubles() {
    const standing = new Set<Standing>();
    let retries: { count: number; lastReason: string; lastAt: number } | null = null;
    const secondsSince = (at: number) => Math.round((performance.now() - at) / 1000);
    return {
        begin(code = "", what = ""): Standing {
            return { code, what, attempts: 0, sinceAt: performance.now(), isSchema: false };
        },
        /** The step has failed once more, and stands until it is over. */
        failed(step: Standing, error: unknown): void {
            const reason = reasonOf(error);
            if (step.attempts === 0) step.sinceAt = performance.now();
            retries = { count: (retries?.count ?? 0) + 1, lastReason: reason, lastAt: performance.now() };
            step.code = reason;
            step.what = describeFault(error) ?? reason;
            step.attempts += 1;
            step.isSchema = meaningOf(error) === "schema";
            standing.add(step);
        },
        stands: (step: Standing) => void standing.add(step),
        over: (step: Standing) => void standing.delete(step),
        /** Whether a step still fails on changed tables. */
        hasSchema: () => [...standing].some(({ isSchema }) => isSchema),
        longest(): Trouble | null {
            const [longest] = [...standing].sort((left, right) => left.sinceAt - right.sinceAt);
            if (longest === undefined) return null;
            const { code, what, attempts, sinceAt } = longest;
            return { code, what, attempts, seconds: secondsSince(sinceAt) };
        },
        retries(): Retries | null {
            if (retries === null) return null;
            const { count, lastReason, lastAt } = retries;
            return { count, lastReason, lastSecondsAgo: secondsSince(lastAt) };
        },
    };
}

/** SQLSTATE, or the driver's or the system's name for it. */
export function reasonOf(error: unknown): string {
    const { code, message } = error as { code?: string; message?: string };
    return sqlStateOf(error) ?? code ?? message ?? "no answer";
}
