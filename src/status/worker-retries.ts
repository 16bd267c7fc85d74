/** What a worker's report says of steps that it had to try again. Pure. */
export interface WorkerRetries {
    count: number;
    /** SQLSTATE, or the driver's or the system's name for it. */
    lastReason: string;
    /** By the worker's clock. */
    lastAt: string;
}

/** Null when there were none; an older worker reports none. */
export function retriesOf(report: unknown): WorkerRetries | null {
    return (report as { retries?: WorkerRetries | null } | null)?.retries ?? null;
}
