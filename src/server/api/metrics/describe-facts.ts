/** The ledger's facts as metrics. Pure. */
import { type LiveWorker, type Status, states } from "../../../operations/status/status-schema.ts";
import { retriesOf } from "../../../operations/status/worker-report.ts";
import { counter, gauge, type Metric, type Sample } from "./exposition.ts";
import type { Storage } from "./read-storage.ts";

/** A pause between attempts is 5 s at most, an attempt may wait for its deadline of 15 s. */
const retryingSeconds = 60;

export function describeFacts(status: Status, storage: Storage): Metric[] {
    const { totals, files, backlog, lastBatch, freshness, workers } = status;
    const finishedAt = lastBatch && toSeconds(lastBatch.finishedAt);
    return [
        gauge(
            "sluice_facts_timestamp_seconds",
            "When the facts below were read, on the database's clock.",
            toSeconds(status.asOf),
        ),
        counter("sluice_records_read_total", "Records read: the sum of all outcomes.", totals.read),
        counter(
            "sluice_records_total",
            "Records by what became of them.",
            (["inserted", "duplicate", "conflict", "rejected"] as const).map((outcome) => ({
                labels: { outcome },
                value: totals[outcome],
            })),
        ),
        counter("sluice_batches_total", "Batches committed.", totals.batches),
        gauge(
            "sluice_files",
            "Files by state.",
            Object.entries(files).map(([state, value]) => ({ labels: { state }, value })),
        ),
        gauge("sluice_files_given_up", "Failed files that are not tried again by themselves.", storage.filesGivenUp),
        gauge(
            "sluice_state",
            "The verdict of /v1/status: 1 for the state that it names.",
            states.map((state) => ({ labels: { state }, value: state === status.state ? 1 : 0 })),
        ),
        gauge("sluice_backlog_files", "Files that are known and not merged.", backlog.files),
        gauge("sluice_backlog_bytes", "Bytes that are known and not read.", backlog.unreadBytes),
        gauge("sluice_backlog_records", "Records that are staged and not merged.", backlog.stagedRecords),
        gauge(
            "sluice_backlog_seconds",
            "What the backlog takes at the capacity of the latest merges.",
            backlog.seconds,
        ),
        gauge("sluice_workers", "Workers with a lease.", workers.length),
        gauge(
            "sluice_workers_retrying",
            "Workers that had to try a step again in the last minute, by SQLSTATE or system error of the last one.",
            countRetrying(workers),
        ),
        gauge("sluice_last_batch_timestamp_seconds", "When the last batch was committed.", finishedAt),
        gauge(
            "sluice_last_batch_duration_seconds",
            "How long the last batch took.",
            finishedAt && finishedAt - toSeconds(lastBatch.startedAt),
        ),
        gauge(
            "sluice_last_batch_lag_seconds",
            "From staging to commit, of the oldest record of the last batch.",
            freshness.lastBatchLagSeconds,
        ),
        gauge("sluice_database_size_bytes", "Size of the database, with its indexes.", storage.databaseBytes),
    ];
}

/** By the reason; when nobody does, a zero without a reason, so that the metric is there. */
function countRetrying(workers: readonly LiveWorker[]): Sample[] {
    const reasons = workers
        .map(({ report }) => retriesOf(report))
        .filter((retries) => retries !== null && retries.lastSecondsAgo < retryingSeconds)
        .map((retries) => nameReason(retries!.lastReason));
    const counts = Map.groupBy(reasons, (reason) => reason);
    if (counts.size === 0) return [{ value: 0 }];
    return [...counts].map(([reason, workersOfReason]) => ({ labels: { reason }, value: workersOfReason.length }));
}

/** Codes alone: a message would make a series of each wording. */
function nameReason(reason: string): string {
    return /^[A-Z0-9_]{5,30}$/.test(reason) ? reason : "other";
}

function toSeconds(instant: string): number {
    return Date.parse(instant) / 1000;
}
