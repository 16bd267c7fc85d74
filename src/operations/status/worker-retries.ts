/** What a worker reports of itself with each sign of life, as status reads it. Pure. */
export interface WorkerRetries {
    count: number;
    /** SQLSTATE, or the driver's or the system's name for it. */
    lastReason: string;
    /** When it reported, so two seconds ago at most: its clock may be wrong. */
    lastSecondsAgo: number;
}

/** Null when there were none; an older worker reports none. */
export function retriesOf(report: unknown): WorkerRetries | null {
    return (report as { retries?: WorkerRetries | null } | null)?.retries ?? null;
}

/** What keeps a step of a worker from succeeding, when it last reported. */
export interface WorkerTrouble {
    /** SQLSTATE, the driver's or the system's name, or a code of docs/commands.md. */
    code: string;
    /** Part of a sentence: what it is, and what helps. */
    what: string;
    /** Failed attempts of that step. */
    attempts: number;
    seconds: number;
}

/** Null when all goes on; an older worker reports none. */
export function troubleOf(report: unknown): WorkerTrouble | null {
    return (report as { trouble?: WorkerTrouble | null } | null)?.trouble ?? null;
}

/** Whether its last look at the input folder failed. */
export function isFolderAway(report: unknown): boolean {
    return (report as { isFolderAway?: unknown } | null)?.isFolderAway === true;
}

interface ReportingWorker {
    report: unknown;
}

/** The longest pause between looks at the folder; 0 when nobody pauses. */
export function triggerMsOf(workers: readonly ReportingWorker[]): number {
    const pauses = workers.map(({ report }) => {
        const trigger = (report as { trigger?: { kind?: unknown; ms?: unknown } } | null)?.trigger;
        return trigger?.kind === "interval" && typeof trigger.ms === "number" ? trigger.ms : 0;
    });
    return Math.max(0, ...pauses);
}

/** How long an unfinished last line is waited for, the longest. */
export function tailSettleMsOf(workers: readonly ReportingWorker[]): number {
    const waits = workers.map(({ report }) => (report as { tailSettleMs?: unknown } | null)?.tailSettleMs);
    return Math.max(0, ...waits.filter((ms) => typeof ms === "number"));
}
