/**
 * The log of the long-running commands, on stderr: a line for people, or with `--log-format json` one JSON object a line for
 * machines. docs/operations.md lists the events and fields. No row values, passwords or connection strings.
 */

import type { LogFormat } from "../config/config.ts";
import type { IngestLog, LogFacts } from "../engine/context.ts";
import type { BatchProgress, IngestSummary, StreamSummary } from "../engine/run/progress.ts";
import type { AppOptions } from "../server/api/create-app.ts";
import { formatJson } from "../terminal/json.ts";
import { pickCounts } from "../terminal/record-counts.ts";
import { sanitize } from "../terminal/sanitize.ts";

export type LogLevel = "info" | "warn" | "error";

export interface Log extends IngestLog {
    format: LogFormat;
    /** A line of the database's set-up. One that begins with "Warning: " is a warning. */
    setup(line: string): void;
}

export interface LogOptions {
    format: LogFormat;
    /** Takes a line without its end; stderr by default. */
    write?: (line: string) => void;
    now?: () => Date;
}

export function createLog({ format, write = logToStderr, now = () => new Date() }: LogOptions): Log {
    // File names come from anywhere: nothing in a line may move the cursor.
    const prefixes = { info: "", warn: "warning: ", error: "error: " };
    const say =
        format === "json"
            ? (level: LogLevel) => (message: string, facts?: LogFacts) =>
                  write(formatLogLine(now(), level, message, facts))
            : (level: LogLevel) => (message: string) => write(`${prefixes[level]}${sanitize(message)}`);
    const [info, warn, error] = [say("info"), say("warn"), say("error")];
    return {
        format,
        info,
        warn,
        error,
        setup(line) {
            const [, warning] = /^Warning: (.*)$/s.exec(line) ?? [];
            if (format !== "json") write(line);
            else if (warning === undefined) info(line, { event: "setup" });
            else warn(warning, { event: "setup" });
        },
    };
}

/** One line without its end. `time`, `level`, `event` and `message` are always there, and come first. Pure. */
export function formatLogLine(time: Date, level: LogLevel, message: string, facts?: LogFacts): string {
    const { event = "said", ...rest } = facts ?? {};
    return formatJson({ time: time.toISOString(), level, event, message, ...rest }, 0);
}

export function factsOfBatch(batch: BatchProgress): LogFacts {
    const { batchId, numInputRows, durationMs } = batch;
    const { read: _, ...counts } = pickCounts({ ...batch, read: numInputRows });
    return {
        event: "batch_merged",
        ...(batch.stream !== undefined && { stream: batch.stream }),
        batch: batchId,
        records: numInputRows,
        ...counts,
        durationMs: Math.round(durationMs.total ?? 0),
    };
}

export function factsOfSummary(summary: IngestSummary): LogFacts {
    return { event: "ingest_ended", ...factsOf(summary), durationMs: Math.round(summary.seconds * 1000) };
}

/** One for each stream, when there are several. */
export function factsOfStreams({ streams = [] }: IngestSummary): LogFacts[] {
    return streams.map((summary) => ({
        event: "stream_ended",
        stream: summary.stream,
        ...factsOf(summary),
        ...(summary.problem !== null && { problem: summary.problem }),
    }));
}

function factsOf({
    records,
    batches,
    files,
    failedBefore,
    left,
    paused,
}: StreamSummary | IngestSummary): Omit<LogFacts, "event"> {
    const { read, ...outcomes } = records;
    const fileCounts = files ? { merged: files.merged, skipped: files.skipped, failed: files.failed } : {};
    const leftCounts = left ? { leftTails: left.tails, leftFiles: left.files, leftMerged: left.merged } : {};
    return {
        batches,
        records: read,
        ...outcomes,
        ...fileCounts,
        ...(failedBefore !== null && { failedBefore }),
        ...leftCounts,
        ...(paused && { paused: 1 }),
    };
}

/** Options of createApp: a log for machines has a line for each request that the API could not answer, and for each note. */
export function reportsTo({ format, error, warn }: Log): Pick<AppOptions, "onFault" | "onNote"> {
    if (format !== "json") return {};
    return {
        onNote: (note) => warn(note, { event: "notification_unconfirmed" }),
        onFault: ({ requestId, code, summary }) =>
            error(`A request could not be answered: ${summary}`, { event: "request_failed", code, requestId }),
    };
}

export function logToStderr(line: string): void {
    process.stderr.write(`${line}\n`);
}
