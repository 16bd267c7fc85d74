/** The status as one screen. Pure. */
import { createColors } from "picocolors";
import { describeReader, remedyForReader } from "../../database/staging-readers.ts";
import type { FailedFile, LastBatch, LiveWorker, Status } from "../../operations/status/status-schema.ts";
import {
    describeListing,
    describeWork,
    listingOf,
    processesOf,
    retriesOf,
    troubleOf,
} from "../../operations/status/worker-report.ts";
import { formatAge, formatBytes, formatCount, formatDuration, formatNumber } from "../../terminal/format.ts";
import { formatRecordTable } from "../../terminal/record-table.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { formatTable } from "../../terminal/table.ts";
import { formatStreams } from "../streams/format-streams.ts";

type Colors = ReturnType<typeof createColors>;

/** Lines without line ends. */
export function formatStatus(status: Status, { color }: { color: boolean }): string[] {
    const colors = createColors(color);
    const sections = [
        [describeFlow(status, colors), colorState(status, colors)],
        formatRecordTable(status.totals),
        status.streams.length > 1 ? formatStreams(status) : [],
        formatFacts(status),
        status.streams.flatMap(({ deferredNote }) => (deferredNote === null ? [] : colors.yellow(deferredNote))),
        formatWorkers(status, colors),
        formatFailedFiles(status, colors),
        formatUnmatchedFiles(status),
        formatColumnDrift(status),
        formatRejectReasons(status),
        formatStagingReaders(status, colors),
    ];
    return sections
        .filter((lines) => lines.length > 0)
        .flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}

function describeFlow({ workers, table, streams, databaseName, serverVersion }: Status, colors: Colors): string {
    const folders = [...new Set(workers.map(({ inputDir }) => inputDir))].map((folder) => sanitize(folder));
    const server = `${sanitize(databaseName)}, PostgreSQL ${sanitize(serverVersion.split(" ")[0] ?? "")}`;
    const source = folders.length > 0 ? `${folders.join(", ")} → ` : "";
    const target = streams.length > 1 ? `${streams.length} streams` : table;
    return `${colors.bold(`${source}${target}`)} (${server})`;
}

const colorOfTone = { bad: "red", busy: "yellow", quiet: "yellow", good: "green" } as const;

function colorState(status: Status, colors: Colors): string {
    return colors[colorOfTone[status.tone]](status.verdict);
}

function formatFacts(status: Status): string[] {
    const { asOf, standby, totals, lastBatch, freshness } = status;
    const notifications = describeNotifications(status);
    const processes = processesOf(status.workers);
    return formatTable([
        [status.table, formatNumber(status.events)],
        ["files", describeFiles(status)],
        ["backlog", describeBacklog(status)],
        ["batches", formatNumber(totals.batches)],
        ["last batch", lastBatch ? describeBatch(lastBatch, freshness) : "none yet"],
        ...(standby === null ? [] : [["standby", `${formatDuration(standby.lagSeconds * 1000)} behind its primary`]]),
        ["workers", describeProcesses(processes, asOf)],
        ...describeListings(processes),
        ...(notifications === null ? [] : [["notifications", notifications]]),
    ]);
}

/** Null when none was ever sent. */
export function describeNotifications({ asOf, notifications }: Pick<Status, "asOf" | "notifications">): string | null {
    const { pending, oldestPendingAt, delivered, lastDeliveredAt, lastFailedAt, lastFailure, givenUp } = notifications;
    const ago = (instant: string) => formatAge(secondsBefore(instant, asOf));
    const parts = [
        lastDeliveredAt === null ? "" : `${formatNumber(delivered)} delivered, the last ${ago(lastDeliveredAt)}`,
        oldestPendingAt === null ? "" : `${formatNumber(pending)} waiting, the oldest from ${ago(oldestPendingAt)}`,
        givenUp === 0 ? "" : `${formatNumber(givenUp)} given up`,
        lastFailedAt === null
            ? ""
            : `the last failure ${ago(lastFailedAt)}: ${sanitize(lastFailure ?? "", { most: 60 })}`,
    ].filter((part) => part !== "");
    return parts.length === 0 ? null : parts.join("; ");
}

/** The states that there are files in; all of them sum up to the files ever seen. */
function describeFiles({ files }: Status): string {
    const parts = Object.entries(files).filter(([, count]) => count > 0);
    return parts.map(([state, count]) => `${formatNumber(count)} ${state}`).join(", ") || "none";
}

function describeBacklog({ asOf, backlog }: Status): string {
    const { files, unreadBytes, chunks, stagedRecords, oldestStagedAt } = backlog;
    if (files === 0 && chunks === 0) return "none";
    const parts = [
        formatCount(files, "file"),
        `${formatBytes(unreadBytes)} to read`,
        formatCount(stagedRecords, "staged record"),
        ...(oldestStagedAt === null ? [] : [`the oldest ${formatAge(secondsBefore(oldestStagedAt, asOf))}`]),
    ];
    return parts.join(", ");
}

function describeBatch(batch: LastBatch, { secondsSinceLastMerge, lastBatchLagSeconds }: Status["freshness"]): string {
    const tookMs = Date.parse(batch.finishedAt) - Date.parse(batch.startedAt);
    const lag = lastBatchLagSeconds === null ? "" : `, ${formatDuration(lastBatchLagSeconds * 1000)} after staging`;
    const number = `#${batch.batchId} ${formatAge(secondsSinceLastMerge)}`;
    return `${number}: ${formatCount(batch.read, "record")} in ${formatDuration(tookMs)}${lag}`;
}

/** One alone is the line's own; several have a section (formatWorkers). */
function describeProcesses(processes: LiveWorker[][], asOf: string): string {
    if (processes.length === 0) return "none";
    if (processes.length > 1) return `${processes.length}, below`;
    const [{ report }] = processes[0]! as [LiveWorker];
    return `${describeProcess(processes[0]!, asOf)}${describeRetries(report)}${describeTrouble(report)}`;
}

/** One process alone has no section of its own: a line for each of its buckets. */
function describeListings(processes: LiveWorker[][]): string[][] {
    if (processes.length !== 1) return [];
    const listings = processes[0]!.map(({ report }) => listingOf(report)).filter((listing) => listing !== null);
    return listings.map((listing) => ["bucket", describeListing(listing)]);
}

function describeProcess(own: LiveWorker[], asOf: string): string {
    const [{ name, host, pid, startedAt }] = own as [LiveWorker];
    const since = formatDuration(secondsBefore(startedAt, asOf) * 1000);
    const named = name === host ? "" : `${sanitize(name)}, `;
    return `${named}pid ${pid} on ${sanitize(host)}, for ${since}`;
}

/** A process that works on several streams has a row for each. */
function formatWorkers({ asOf, workers, streams }: Status, colors: Colors): string[] {
    const processes = processesOf(workers);
    if (processes.length < 2) return [];
    const rows = processes.flatMap((own) =>
        own.map((worker, index) => [
            index === 0 ? describeProcess(own, asOf) : "",
            ...(streams.length > 1 ? [sanitize(worker.stream, { most: 40 })] : []),
            `${describeWork(worker)}${describeRetries(worker.report)}${describeTrouble(worker.report)}`,
        ]),
    );
    return [colors.bold("Workers"), ...formatTable(rows, { indent: "  " })];
}

function describeTrouble(report: unknown): string {
    const trouble = troubleOf(report);
    return trouble === null ? "" : `, waits (${sanitize(trouble.what, { most: 120 })})`;
}

function describeRetries(report: unknown): string {
    const retries = retriesOf(report);
    if (!retries) return "";
    const last = `${sanitize(retries.lastReason, { most: 30 })} ${formatAge(retries.lastSecondsAgo)}`;
    return `, ${formatCount(retries.count, "step")} tried again (last: ${last})`;
}

function formatFailedFiles({ asOf, files, failedFiles }: Status, colors: Colors): string[] {
    if (files.failed === 0) return [];
    const title = files.failed > failedFiles.length ? `Failed files (the last ${failedFiles.length})` : "Failed files";
    const rows = failedFiles.map((file) => [
        sanitize(file.path, { most: 60 }),
        file.problem ?? "unknown",
        sanitize(file.problemDetail ?? "", { most: 100 }),
        describeRetry(file, asOf),
    ]);
    return [colors.red(title), ...formatTable(rows, { indent: "  " })];
}

function describeRetry({ attempts, nextAttemptAt }: FailedFile, asOf: string): string {
    const tried = `tried ${formatCount(attempts, "time")}`;
    if (nextAttemptAt === null) return `${tried}, not retried automatically`;
    const waitMs = Math.max(0, -secondsBefore(nextAttemptAt, asOf) * 1000);
    return waitMs === 0 ? `${tried}, next now` : `${tried}, next in ${formatDuration(waitMs)}`;
}

function formatStagingReaders({ stagingReaders }: Status, colors: Colors): string[] {
    if (stagingReaders.length === 0) return [];
    const rows = stagingReaders.map((reader) => [
        sanitize(describeReader(reader), { most: 120 }),
        sanitize(remedyForReader(reader), { most: 120 }),
    ]);
    return [
        colors.yellow("Sessions that prevent the removal of merged rows from ingest.staging"),
        ...formatTable(rows, { indent: "  " }),
    ];
}

function formatUnmatchedFiles({ unmatchedFiles: { files, lastPath } }: Status): string[] {
    if (files === 0) return [];
    const last = sanitize(lastPath ?? "", { most: 60 });
    return [
        `Read with the defaults, because no source in sluice.config.ts matches: ${formatCount(files, "file")}, last ${last}`,
    ];
}

function formatColumnDrift({ columnDrift }: Status): string[] {
    if (columnDrift.length === 0) return [];
    const rows = columnDrift.map(({ kind, column, files, lastPath }) => [
        sanitize(column, { most: 40 }),
        kind,
        `in ${formatCount(files, "file")}, last ${sanitize(lastPath, { most: 60 })}`,
    ]);
    return ["Columns that differ from the expected ones, in the newest files", ...formatTable(rows, { indent: "  " })];
}

function formatRejectReasons({ rejectReasons, standingRejects }: Status): string[] {
    if (rejectReasons.length === 0) return [];
    const rows = rejectReasons.map(({ reason, records }) => [reason, records]);
    return [
        `Most frequent reject reasons (of ${formatCount(standingRejects, "reject")})`,
        ...formatTable(rows, { indent: "  " }),
    ];
}

function secondsBefore(instant: string, asOf: string): number {
    return (Date.parse(asOf) - Date.parse(instant)) / 1000;
}
