/**
 * The ledger's facts as metrics. What is known by stream has the label `stream` on every sample and no sample of all: a sum
 * over the metric counts each record once. Pure.
 */

import { type LiveWorker, type Status, type StreamStatus, states } from "../../../operations/status/status-schema.ts";
import { listingOf, retriesOf } from "../../../operations/status/worker-report.ts";
import { outcomes } from "../../../terminal/record-counts.ts";
import { counter, gauge, type Metric, type Sample } from "./exposition.ts";
import type { Storage } from "./read-storage.ts";

/** A pause between attempts is 5 s at most, an attempt may wait for its deadline of 15 s. */
const retryingSeconds = 60;

export function describeFacts(status: Status, storage: Storage): Metric[] {
    const { streams, lastBatch, freshness, workers } = status;
    const byStream = (value: (stream: StreamStatus) => number | null) =>
        samplesOf(streams, (stream) => [[{}, value(stream)]]);
    const finishedAt = lastBatch && toSeconds(lastBatch.finishedAt);
    return [
        gauge(
            "sluice_facts_timestamp_seconds",
            "When the facts below were read, on the database's clock.",
            toSeconds(status.asOf),
        ),
        counter(
            "sluice_records_read_total",
            "Records read: the sum of all outcomes.",
            byStream(({ totals }) => totals.read),
        ),
        counter(
            "sluice_records_total",
            "Records by outcome.",
            samplesOf(streams, ({ totals }) => outcomes.map((outcome) => [{ outcome }, totals[outcome]])),
        ),
        counter(
            "sluice_batches_total",
            "Batches committed.",
            byStream(({ totals }) => totals.batches),
        ),
        gauge(
            "sluice_files",
            "Files by state.",
            samplesOf(streams, ({ files }) => Object.entries(files).map(([state, value]) => [{ state }, value])),
        ),
        gauge("sluice_files_given_up", "Failed files that are not retried automatically.", storage.filesGivenUp),
        gauge(
            "sluice_state",
            "The verdict of /v1/status: 1 for the current state.",
            states.map((state) => ({ labels: { state }, value: state === status.state ? 1 : 0 })),
        ),
        gauge(
            "sluice_stream_state",
            "The verdict for each stream: 1 for its current state.",
            samplesOf(streams, (stream) => states.map((state) => [{ state }, state === stream.state ? 1 : 0])),
        ),
        gauge(
            "sluice_stream_paused",
            "1 while somebody has paused the stream (`pause`), else 0.",
            byStream(({ pausedAt }) => (pausedAt === null ? 0 : 1)),
        ),
        gauge(
            "sluice_backlog_files",
            "Known files that are not merged.",
            byStream(({ backlog }) => backlog.files),
        ),
        gauge(
            "sluice_backlog_bytes",
            "Known bytes that are not read.",
            byStream(({ backlog }) => backlog.unreadBytes),
        ),
        gauge(
            "sluice_backlog_records",
            "Staged records that are not merged.",
            byStream(({ backlog }) => backlog.stagedRecords),
        ),
        gauge(
            "sluice_backlog_seconds",
            "Time to merge the backlog at the capacity of the stream's latest merges.",
            byStream(({ backlog }) => backlog.seconds),
        ),
        gauge(
            "sluice_workers",
            "Workers with a lease.",
            byStream((stream) => stream.workers),
        ),
        gauge(
            "sluice_workers_retrying",
            "Workers that retried a step in the last minute, by the SQLSTATE or system error of the latest retry.",
            countRetrying(workers),
        ),
        gauge(
            "sluice_bucket_listing_age_seconds",
            "Time since the latest full listing of the stream's bucket began.",
            samplesOf(streams, (stream) => [[{}, latestListing(stream, workers)?.secondsAgo ?? null]]),
        ),
        gauge(
            "sluice_bucket_listing_duration_seconds",
            "How long the latest full listing of the stream's bucket took.",
            samplesOf(streams, (stream) => [[{}, latestListing(stream, workers)?.seconds ?? null]]),
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
        ...describeNotifications(status),
        gauge("sluice_database_size_bytes", "Size of the database, with its indexes.", storage.databaseBytes),
    ];
}

function describeNotifications({ notifications }: Status): Metric[] {
    const { pending, delivered, failedAttempts, givenUp } = notifications;
    return [
        gauge("sluice_notifications_pending", "Messages about changes of state that wait for their delivery.", pending),
        counter("sluice_notifications_delivered_total", "Messages that the receiver took.", delivered),
        counter(
            "sluice_notifications_failed_attempts_total",
            "Attempts to deliver a message that failed.",
            failedAttempts,
        ),
        counter("sluice_notifications_given_up_total", "Messages that nobody took within 24 hours.", givenUp),
    ];
}

/** One that has no value now is left out. */
function samplesOf(
    streams: readonly StreamStatus[],
    of: (stream: StreamStatus) => [labels: Record<string, string>, value: number | null][],
): Sample[] {
    return streams.flatMap((stream) =>
        of(stream).flatMap(([labels, value]) =>
            value === null ? [] : [{ labels: { stream: stream.name, ...labels }, value }],
        ),
    );
}

/** Null: its files are in a folder, or none of its workers has listed the bucket yet. */
function latestListing({ name }: StreamStatus, workers: readonly LiveWorker[]) {
    const listings = workers.filter(({ stream }) => stream === name).map(({ report }) => listingOf(report));
    const made = listings.filter((listing) => listing !== null);
    return made.reduce<(typeof made)[number] | null>(
        (latest, listing) => (latest === null || listing.secondsAgo < latest.secondsAgo ? listing : latest),
        null,
    );
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
