/** Rows that a test puts into the tables itself: the API is tested without the engine. */
import type { Sql } from "../../src/database/connect.ts";

export interface Outcomes {
    inserted?: number;
    duplicate?: number;
    conflict?: number;
    rejected?: number;
}

export async function insertFile(sql: Sql, path: string, state = "merged"): Promise<number> {
    const [file] = await sql`
        insert into ingest.files (path, state, size_bytes, mtime_ns, inode, header)
        values (${path}, ${state}, 1000, 1, 1, array['event_id', 'a "b", c'])
        returning file_id`;
    return file!.file_id;
}

export async function insertChunk(sql: Sql, fileId: number, state = "merged", firstByte = 0): Promise<number> {
    const [chunk] = await sql`
        insert into ingest.chunks
            (file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state, problem)
        values
            (${fileId}, ${firstByte}, ${firstByte + 100}, 1, 2, 10, 'hash', ${state},
             ${state === "failed" ? "merge_raised" : null})
        returning chunk_id`;
    return chunk!.chunk_id;
}

/** One statement, so one transaction: a batch and, when a chunk is named, what it did to it. */
export async function insertBatch(sql: Sql, outcomes: Outcomes, chunkId?: number): Promise<number> {
    const { inserted = 0, duplicate = 0, conflict = 0, rejected = 0 } = outcomes;
    const read = inserted + duplicate + conflict + rejected;
    const [batch] = await sql`
        with inserted_batch as (
            insert into ingest.batches (
                batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
                started_at, finished_at, oldest_staged_at, duration_ms
            )
            values (
                gen_random_uuid(), gen_random_uuid(), 65535, 1, ${read}, ${inserted}, ${duplicate}, ${conflict},
                ${rejected}, now(), clock_timestamp(), now() - interval '2 seconds', '{"merge": 12.5}'
            )
            returning batch_id
        ),
        -- A row of its own: tests hold transactions open, and none may wait for another.
        counted_batch as (
            insert into ingest.totals
            values (gen_random_uuid()::text, 1, ${read}, ${inserted}, ${duplicate}, ${conflict}, ${rejected}, 0)
        ),
        inserted_chunk_merges as (
            insert into ingest.chunk_merges
            select ${chunkId ?? null}::bigint, batch_id, 65535, ${read}, ${inserted}, ${duplicate}, ${conflict}, ${rejected}
            from inserted_batch
            where ${chunkId ?? null}::bigint is not null
        )
        select batch_id from inserted_batch`;
    return batch!.batch_id;
}

export interface RejectSeed {
    chunkId: number;
    recordNo: number;
    batchId?: number;
    kind?: "rejected" | "conflict";
    reasons?: string[];
    record?: Record<string, string | null> | null;
    rawText?: string | null;
}

export async function insertReject(sql: Sql, seed: RejectSeed): Promise<number> {
    const { chunkId, recordNo, batchId = 1, kind = "rejected", reasons = ["price_negative"], rawText = null } = seed;
    const record = seed.record === undefined ? { event_id: "x" } : seed.record;
    const [reject] = await sql`
        with inserted_reject as (
            insert into ingest.rejects (chunk_id, record_no, batch_id, kind, reasons, record, raw_text)
            values (
                ${chunkId}, ${recordNo}, ${batchId}, ${kind}, ${reasons}::text[],
                ${record === null ? null : JSON.stringify(record)}::text::jsonb, ${rawText}
            )
            returning reject_id, rejected_at
        ),
        counted_reject as (
            insert into ingest.reject_stats
            select
                rejected_at::date, ${kind}, reason, 1, 0, rejected_at, rejected_at, reject_id
            from inserted_reject
            cross join unnest(array_prepend('', ${reasons}::text[])) as reason
            on conflict (stream_id, day, kind, reason) do update
            set rejects = reject_stats.rejects + 1,
                last_rejected_at = excluded.last_rejected_at,
                last_reject_id = excluded.last_reject_id
        )
        select reject_id from inserted_reject`;
    return reject!.reject_id;
}

/** A worker that is alive, and what it reports of itself. */
export async function insertWorker(sql: Sql, report: object): Promise<void> {
    await sql`
        insert into ingest.workers
        values (gen_random_uuid(), 'host', 1, '/data', now(), now() + interval '1 hour', ${JSON.stringify(report)}::text::jsonb)`;
}
