/** Formats an ingest: a line a batch, and a summary that adds up. Pure. */

import type {
    BatchProgress,
    DeferredIndexLeft,
    IngestSummary,
    LeftFiles,
    StreamSummary,
} from "../engine/run/progress.ts";
import type { SignOfLife } from "../engine/run/run-ingest.ts";
import { commandHere } from "../environment.ts";
import { exitCodes } from "../errors.ts";
import { describeDeferred } from "../operations/status/describe-deferred.ts";
import { isMostlyOut } from "../operations/status/describe-state.ts";
import { formatCount, formatDuration, formatNumber } from "../terminal/format.ts";
import { shownOutcomes } from "../terminal/record-counts.ts";
import { formatRecordTable, formatWork } from "../terminal/record-table.ts";

/** `batch 12   500 read = 488 inserted + 7 duplicate + 2 conflict + 3 rejected   41 ms, 12,195/s`. */
export function formatBatch(batch: BatchProgress): string {
    const { batchId, numInputRows } = batch;
    const equation = formatEquation({ ...batch, read: numInputRows });
    const ms = Math.round(batch.durationMs.total ?? 0);
    const whose = batch.stream === undefined ? "" : `${batch.stream}  `;
    return `${whose}batch ${batchId}  ${equation}  in ${formatNumber(ms)} ms, ${formatNumber(Math.round(batch.processedRowsPerSecond))}/s`;
}

export function formatEquation(records: IngestSummary["records"]): string {
    const terms = shownOutcomes(records).map((outcome) => `${formatNumber(records[outcome])} ${outcome}`);
    const removed = records.removed > 0 ? `, ${formatNumber(records.removed)} rows removed` : "";
    return `${formatNumber(records.read)} read = ${terms.join(" + ")}${removed}`;
}

/** One line for a service manager's status. */
export function formatSignOfLife({ records, trouble }: SignOfLife): string {
    const waits = trouble === null ? "" : `Waiting: ${trouble.what}. `;
    return `${waits}${formatEquation(records)}`;
}

/** With several streams a line for each comes first; below are their sums. */
export function formatSummary(summary: IngestSummary): string[] {
    const { files, failedBefore, left, records, batches, seconds, streams = [] } = summary;
    const width = Math.max(...streams.map(({ stream }) => stream.length));
    const ofStreams = streams.map((one) => `${one.stream.padEnd(width)}  ${formatStream(one)}`);
    const table = formatRecordTable(records, {
        hasPointers: true,
        more: [
            ["files", files ? formatFiles(files, failedBefore ?? 0) : "not counted: the database is unreachable"],
            ...(left ? formatLeft(left) : []),
            ...(summary.retried ? [formatRetried(summary.retried)] : []),
            ["batches", formatWork(batches, seconds, records.read)],
            ...(summary.paused ? [["paused", formatPaused(streams)] as [string, string]] : []),
            ...(summary.deferredIndexes
                ? [["indexes", formatDeferred(summary.deferredIndexes)] as [string, string]]
                : []),
        ],
    });
    return [...ofStreams, ...table];
}

function formatStream({ records, files, failedBefore, problem, paused }: StreamSummary): string {
    const counted = files === null ? "files not counted" : `files: ${formatFiles(files, failedBefore ?? 0)}`;
    const ended = problem === null ? (paused ? "; paused: the rest waits" : "") : `; ended early: ${problem}`;
    return `${formatEquation(records)}; ${counted}${ended}`;
}

/** The run of a single stream has no name for it. */
function formatPaused(streams: readonly StreamSummary[]): string {
    const names = streams.filter(({ paused }) => paused).map(({ stream }) => stream);
    const which = names.length === 0 ? "what waits" : `what waits for ${names.join(", ")}`;
    return `${which} was left → ${commandHere("resume")}, then run again`;
}

function formatDeferred(indexes: DeferredIndexLeft[]): string {
    return `${describeDeferred(indexes)} → run again: the next run makes them`;
}

function formatRetried({ read, inserted }: NonNullable<IngestSummary["retried"]>): [string, string] {
    return [
        "replayed",
        `${formatCount(read, "reject")} whose parent row had arrived: ${formatNumber(inserted)} inserted`,
    ];
}

/** Empty when nothing was left. */
function formatLeft({ tails, files, merged, youngerThanMs }: LeftFiles): [string, string][] {
    const parts = [
        ...(tails > 0 ? [`the unfinished last record of ${formatCount(tails, "file")}`] : []),
        ...(files > 0 ? [formatCount(files, "unfinished file")] : []),
        ...(merged > 0 ? [`${formatCount(merged, "merged file")} still in the folder`] : []),
    ];
    if (parts.length === 0) return [];
    const why = `changed less than ${formatDuration(youngerThanMs)} ago`;
    return [["left", `${parts.join(", ")}: ${why} → run again, or with --tail-settle 0 to take everything now`]];
}

function formatFiles({ merged, skipped, failed }: NonNullable<IngestSummary["files"]>, failedBefore: number): string {
    const parts = [
        `${formatNumber(merged)} merged`,
        ...(skipped > 0 ? [`${formatNumber(skipped)} skipped as copies`] : []),
        ...(failed > 0 ? [`${formatNumber(failed)} failed`] : []),
        ...(failedBefore > 0 ? [`${formatNumber(failedBefore)} failed earlier and not fixed`] : []),
    ];
    return `${parts.join(", ")}${failed + failedBefore > 0 ? ` → ${commandHere("files")} --state failed` : ""}`;
}

/** What got in later is not left out. */
function leftOut({ records, retried }: IngestSummary): IngestSummary["records"] {
    return {
        ...records,
        rejected: Math.max(0, records.rejected - (retried?.inserted ?? 0) - (retried?.duplicate ?? 0)),
    };
}

/** The exit code of a run that was not stopped by a signal. */
export function exitCodeOfSummary(summary: IngestSummary, brokenChecks: number): number {
    const { files, failedBefore, paused, streams = [], deferredIndexes = [] } = summary;
    if ([...streams, ...deferredIndexes].some(({ problem }) => problem !== null)) return exitCodes.failed;
    if ((files?.failed ?? 0) > 0 || brokenChecks > 0) return exitCodes.failed;
    if (paused) return exitCodes.paused;
    return (failedBefore ?? 0) > 0 || isMostlyOut(leftOut(summary)) ? exitCodes.incomplete : exitCodes.done;
}
