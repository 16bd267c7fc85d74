/** What a worker's report says of steps that it had to try again. Pure. */
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
