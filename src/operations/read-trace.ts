/** The life of a record: file, bytes, chunk, load, each rule's verdict, batch, commit; and what became of its rivals. */
import type { Sql } from "../database/connect.ts";
import type { BatchKind, Refusal, RejectKind, RejectResolution } from "../database/schema.ts";
import type { Stream } from "../streams/stream.ts";

export type TraceSubject = { key: string } | { file: string; record: number };

export interface TracedBatch {
    batchId: number;
    kind: BatchKind;
    workerId: string;
    startedAt: string;
    committedAt: string;
}

export type RawRecord = Record<string, string | null>;

export interface TracedReject {
    rejectId: number;
    kind: RejectKind;
    reasons: string[];
    record: RawRecord | null;
    /** Before somebody edited it. */
    originalRecord: RawRecord | null;
    rawText: string | null;
    /** What the table said, when it refused the record. */
    refusal: Refusal | null;
    lineNo: number | null;
    byteOffset: number | null;
    rejectedAt: string;
    batch: TracedBatch | null;
    resolution: RejectResolution | null;
    resolvedAt: string | null;
    resolvedBy: TracedBatch | null;
}

export const traceOutcomes = [
    "inserted",
    "duplicate",
    "conflict",
    "rejected",
    "displaced",
    "waiting",
    "failed",
    "pruned",
] as const;

export interface TracedRecord {
    recordNo: number;
    /** Where the record is now. A duplicate is counted and not kept: it is known by being nowhere else. Pruned: gone for its age. */
    outcome: (typeof traceOutcomes)[number];
    file: {
        fileId: number;
        path: string;
        version: number;
        state: string;
        sizeBytes: number;
        discoveredAt: string;
        mergedAt: string | null;
        archivedAt: string | null;
        archivedTo: string | null;
    };
    chunk: {
        chunkId: number;
        state: string;
        firstByte: number;
        endByte: number;
        firstRecordNo: number;
        records: number;
        contentHash: string;
        stagedAt: string;
        mergedAt: string | null;
    };
    load: { loadId: number; way: string; workerId: string; startedAt: string; endedAt: string | null } | null;
    insertedBy: TracedBatch | null;
    /** Raw values as they would make the event, and created_at. */
    event: RawRecord | null;
    rejects: TracedReject[];
    /** Of every rule today; null when no values are kept. */
    verdicts: { column: string; value: string | null; reason: string | null }[] | null;
}

export interface Trace {
    asOf: string;
    /** For a key: the stored record first, then its rivals. For file:record: that of every version, newest first. */
    records: TracedRecord[];
}

/** One statement, one snapshot. No records when nothing of the subject is kept. */
export async function readTrace(sql: Sql, subject: TraceSubject): Promise<Trace> {
    const [row] =
        "key" in subject
            ? await sql<{ trace: string }[]>`
                  select json_build_object(
                      'asOf', statement_timestamp(), 'records', coalesce(ingest.trace_key(${subject.key}), '[]')
                  )::text as trace`
            : await sql<{ trace: string }[]>`
                  select json_build_object(
                      'asOf', statement_timestamp(),
                      'records', ingest.trace_file_record(${subject.file}, ${subject.record})
                  )::text as trace`;
    return JSON.parse(row!.trace);
}

/** A key of the stream, or `file:record` where the last colon counts. Null when it is neither. */
export function parseTraceSubject({ key }: Stream, text: string): TraceSubject | null {
    if (key.type.typed?.form.test(text)) return { key: text.toLowerCase() };
    const match = /^(.+):([1-9]\d{0,14})$/s.exec(text);
    return match ? { file: match[1]!, record: Number(match[2]) } : null;
}
