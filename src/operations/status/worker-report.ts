/** Reads the report that a worker leaves with each heartbeat (src/engine/ledger/lease.ts). Pure. */
import type { Retries, Trouble } from "../../engine/outage/troubles.ts";
import { formatAge, formatCount, formatDuration } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";

/** A worker of another version may leave any of it out. */
type WorkerReport = Partial<{
    trigger: { kind?: unknown; ms?: unknown };
    tailSettleMs: unknown;
    isFolderAway: unknown;
    loading: unknown;
    merging: unknown;
    retries: Retries | null;
    trouble: Trouble | null;
    listing: Partial<Record<keyof ReportedListing, unknown>> | null;
}>;

/** Of a bucket: its latest full listing, as it was at the worker's latest heartbeat. */
export interface ReportedListing {
    /** What was listed: `s3://bucket/prefix`. */
    name: string;
    keys: number;
    /** Since it began. */
    secondsAgo: number;
    /** How long it took. */
    seconds: number;
}

const read = (report: unknown) => (report ?? {}) as WorkerReport;

export const retriesOf = (report: unknown): Retries | null => read(report).retries ?? null;

/** The trouble that keeps a step of the worker from succeeding; null when there is none. */
export const troubleOf = (report: unknown): Trouble | null => read(report).trouble ?? null;

/** Whether its last look at the input folder failed. */
export const isFolderAway = (report: unknown): boolean => read(report).isFolderAway === true;

/** Null: its files are in a folder, or nothing has been listed yet. */
export function listingOf(report: unknown): ReportedListing | null {
    const { name, keys, secondsAgo, seconds } = read(report).listing ?? {};
    if (typeof name !== "string") return null;
    if (typeof keys !== "number" || typeof secondsAgo !== "number" || typeof seconds !== "number") return null;
    return { name, keys, secondsAgo, seconds };
}

/** For people: `listed 1,234 keys of s3://drops/in/ 40 s ago, in 1.2 s`. */
export function describeListing({ name, keys, secondsAgo, seconds }: ReportedListing): string {
    const what = `${formatCount(keys, "key")} of ${sanitize(name, { most: 80 })}`;
    return `listed ${what} ${formatAge(secondsAgo)}, in ${formatDuration(seconds * 1000)}`;
}

/** A process is a worker of each of its streams: its workers, by process, in the order in which they began. */
export function processesOf<Worker extends { host: string; pid: number }>(workers: readonly Worker[]): Worker[][] {
    return [...Map.groupBy(workers, ({ host, pid }) => `${pid} ${host}`).values()];
}

/** What it did at its latest heartbeat, for people: `loads a.csv, 2 merges`, and of a bucket when it was last listed. */
export function describeWork({ report, isLoader }: { report: unknown; isLoader: boolean }): string {
    const { loading, merging } = read(report);
    const parts = [
        typeof loading === "string" ? `loads ${sanitize(loading, { most: 80 })}` : "",
        typeof merging === "number" && merging > 0 ? formatCount(merging, "merge") : "",
    ].filter((part) => part !== "");
    const listing = listingOf(report);
    const idle = isLoader ? "idle, the loader" : "idle, takes over when the loader is gone";
    const work = parts.length > 0 ? parts.join(", ") : idle;
    return listing === null ? work : `${work}; ${describeListing(listing)}`;
}

/** Whether it runs until somebody stops it. One of cron's takes what is there, and ends. */
export const isEndless = (report: unknown): boolean => read(report).trigger?.kind !== "available-now";

interface ReportingWorker {
    report: unknown;
}

/** The longest pause between looks at the folder; 0 when nobody pauses. */
export function triggerMsOf(workers: readonly ReportingWorker[]): number {
    const triggers = workers.map(({ report }) => read(report).trigger);
    return longest(triggers.map((trigger) => (trigger?.kind === "interval" ? trigger.ms : 0)));
}

/** How long an unfinished last line is waited for, the longest. */
export function tailSettleMsOf(workers: readonly ReportingWorker[]): number {
    return longest(workers.map(({ report }) => read(report).tailSettleMs));
}

function longest(waits: unknown[]): number {
    return Math.max(0, ...waits.filter((ms) => typeof ms === "number"));
}
