/** Chunks that the ledger has, for staging them again. */
import type { Sql } from "../../database/connect.ts";
import type { Dialect } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import type { FileFailure } from "./files.ts";

export interface LedgerChunk {
    chunkId: number;
    fileId: number;
    path: string;
    firstByte: number;
    endByte: number;
    firstRecordNo: number;
    firstLineNo: number;
    records: number;
    contentHash: string;
    sliceRecords: number[] | null;
    attempts: number;
    /** Where those before it end whose last record it reads again: it was taken unfinished. 0: there are none. */
    takenTo: number;
    dialect: Dialect | null;
    source: SourceConfig | null;
}

/** Where the chunks end that have read a record of this number: a later chunk that begins with it reads it again. */
const takenTo = (fileId: string, firstRecordNo: string) => `
    select coalesce(max(earlier_chunks.end_byte), 0) as "takenTo"
    from ingest.chunks as earlier_chunks
    where
        earlier_chunks.file_id = ${fileId}
        and earlier_chunks.first_record_no + earlier_chunks.records > ${firstRecordNo}`;

const chunkColumns = `
    chunks.chunk_id as "chunkId", chunks.file_id as "fileId", files.path, chunks.first_byte as "firstByte",
    chunks.end_byte as "endByte", chunks.first_record_no as "firstRecordNo", chunks.first_line_no as "firstLineNo",
    chunks.records, chunks.content_hash as "contentHash", chunks.slice_records as "sliceRecords", chunks.attempts,
    (
        ${takenTo("chunks.file_id", "chunks.first_record_no")}
            and earlier_chunks.chunk_id < chunks.chunk_id
    ) as "takenTo",
    files.dialect, files.source`;

/** Chunks whose staged rows were lost, in the order of their ids. */
export async function chunksToStageAgain(sql: Sql, streamId: number, limit: number): Promise<LedgerChunk[]> {
    return await sql<LedgerChunk[]>`
        select ${sql.unsafe(chunkColumns)}
        from ingest.chunks
        inner join ingest.files on files.file_id = chunks.file_id
        where
            chunks.state = 'pending'
            and chunks.stream_id = ${streamId}
            and (chunks.next_attempt_at is null or chunks.next_attempt_at <= clock_timestamp())
        order by chunks.chunk_id
        limit ${limit}`;
}

/** Up to which byte of a file all was taken before, for a chunk that begins with this record; 0: the record is new. */
export async function takenBefore(sql: Sql, fileId: number, firstRecordNo: number): Promise<number> {
    const [taken] = await sql.unsafe<{ takenTo: number }[]>(takenTo("$1::bigint", "$2::bigint"), [
        fileId,
        firstRecordNo,
    ]);
    return taken!.takenTo;
}

/** The chunks of one file in the order of their bytes. */
export async function chunksOfFile(sql: Sql, fileId: number): Promise<LedgerChunk[]> {
    return await sql<LedgerChunk[]>`
        select ${sql.unsafe(chunkColumns)}
        from ingest.chunks
        inner join ingest.files on files.file_id = chunks.file_id
        where chunks.file_id = ${fileId}
        order by chunks.first_byte, chunks.chunk_id`;
}

export async function failChunk(sql: Sql, chunkId: number, failure: FileFailure): Promise<void> {
    await sql`
        select ingest.fail_chunk(
            ${chunkId}, ${failure.problem}, ${failure.detail},
            ${failure.retryAfterMs}::float8 * interval '1 millisecond'
        )`;
}
