/** All that a run has left in the database, as rows to be held against what the model expects. */
import type { Sql } from "../../../src/database/connect.ts";
import type { RawRecord } from "../../support/random-records.ts";

export interface LedgerFileRow {
    fileId: number;
    path: string;
    version: number;
    state: string;
    problem: string | null;
    copyOf: number | null;
    loadedBytes: number;
}

export interface LedgerChunkRow {
    chunkId: number;
    fileId: number;
    firstByte: number;
    endByte: number;
    firstRecordNo: number;
    records: number;
    contentHash: string;
    state: string;
    problem: string | null;
}

/** What became of records that were read; `removed` are rows. */
export interface Outcomes {
    read: number;
    inserted: number;
    updated: number;
    duplicate: number;
    superseded: number;
    deleted: number;
    conflict: number;
    rejected: number;
    removed: number;
}

export interface ChunkMergeRow extends Outcomes {
    chunkId: number;
    batchId: number;
    kind: "merge" | "replay";
    /** 0 in a replay. */
    slices: number;
}

export interface EventRow {
    /** In the form of the model's TypedContent. */
    content: string;
    eventId: string;
    chunkId: number;
    recordNo: number;
}

export interface RejectRow {
    chunkId: number;
    recordNo: number;
    batchId: number;
    kind: string;
    reasons: string[];
    record: RawRecord | null;
    rawText: string | null;
    /** The replay that resolved it, and how; null while it stands. */
    resolvedBy: number | null;
    resolution: string | null;
}

/** The part of the ledger that is one stream's. */
export interface StreamLedger {
    files: LedgerFileRow[];
    chunks: LedgerChunkRow[];
    merges: ChunkMergeRow[];
    rejects: RejectRow[];
}

export interface LedgerRows extends StreamLedger {
    events: EventRow[];
}

const eventsStreamId = 0;

export async function readLedger(sql: Sql): Promise<LedgerRows> {
    const ledger = await readStreamLedger(sql, eventsStreamId);
    return { ...ledger, events: await readEvents(sql) };
}

export async function readStreamLedger(sql: Sql, streamId: number): Promise<StreamLedger> {
    const files = await sql<LedgerFileRow[]>`
        select
            file_id as "fileId", path, version, state, problem, copy_of as "copyOf", loaded_bytes as "loadedBytes"
        from ingest.files
        where stream_id = ${streamId}
        order by file_id`;
    const chunks = await sql<LedgerChunkRow[]>`
        select
            chunk_id as "chunkId", file_id as "fileId", first_byte as "firstByte", end_byte as "endByte",
            first_record_no as "firstRecordNo", records, content_hash as "contentHash", state, problem
        from ingest.chunks
        where stream_id = ${streamId}
        order by chunk_id`;
    const merges = await sql<ChunkMergeRow[]>`
        select
            merges.chunk_id as "chunkId", merges.batch_id as "batchId", batches.kind, merges.slices,
            merges.read, merges.inserted, merges.updated, merges.duplicate, merges.superseded, merges.deleted,
            merges.conflict, merges.rejected, merges.removed
        from ingest.chunk_merges as merges
        inner join ingest.batches on batches.batch_id = merges.batch_id
        where batches.stream_id = ${streamId}
        order by merges.batch_id, merges.chunk_id`;
    const rejects = await sql<RejectRow[]>`
        select
            chunk_id as "chunkId", record_no as "recordNo", batch_id as "batchId", kind, reasons, record,
            raw_text as "rawText", resolved_by_batch as "resolvedBy", resolution
        from ingest.rejects
        where stream_id = ${streamId}
        order by chunk_id, record_no, batch_id`;
    return { files: [...files], chunks: [...chunks], merges: [...merges], rejects: [...rejects] };
}

/** Of all streams. */
export async function readOutcomes(sql: Sql): Promise<Outcomes> {
    const [outcomes] = await sql<Outcomes[]>`
        select
            coalesce(sum(read), 0)::bigint as read, coalesce(sum(inserted), 0)::bigint as inserted,
            coalesce(sum(updated), 0)::bigint as updated, coalesce(sum(duplicate), 0)::bigint as duplicate,
            coalesce(sum(superseded), 0)::bigint as superseded, coalesce(sum(deleted), 0)::bigint as deleted,
            coalesce(sum(conflict), 0)::bigint as conflict, coalesce(sum(rejected), 0)::bigint as rejected,
            coalesce(sum(removed), 0)::bigint as removed
        from ingest.batches`;
    return { ...outcomes! };
}

async function readEvents(sql: Sql): Promise<EventRow[]> {
    const events = await sql<{ values: unknown[]; attributes: Record<string, string> | null; at: [number, number] }[]>`
        select
            jsonb_build_array(
                event_id, event_type, product_id, user_id,
                to_char(event_timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                quantity::text, price::text
            ) as values,
            attributes,
            jsonb_build_array(chunk_id, record_no) as at
        from public.events`;
    return events.map(({ values, attributes, at: [chunkId, recordNo] }) => ({
        content: JSON.stringify([...values, sortedEntries(attributes)]),
        eventId: String(values[0]),
        chunkId,
        recordNo,
    }));
}

function sortedEntries(attributes: Record<string, string> | null): [string, string][] | null {
    return attributes === null ? null : Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
}
