/** A load's end in the ledger, and the staged rows that nobody needs any more: sql/engine/loads.sql. */
import type { ReservedSQL } from "bun";
import type { Sql } from "../../database/connect.ts";
import type { Dialect } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import { pickCounts } from "../../terminal/record-counts.ts";
import type { Batch } from "./batch.ts";
import type { SeenFile } from "./files.ts";

/** A chunk as record_load takes it. */
export interface StagedChunk extends SeenFile {
    chunkId: number;
    fileId: number;
    firstByte: number;
    endByte: number;
    firstRecordNo: number;
    firstLineNo: number;
    endLineNo: number;
    records: number;
    isTyped: boolean;
    sliceRecords: number[];
    contentHash: string;
    isPadded: boolean;
    atEnd: boolean;
    tailByte: number | null;
    tailRecordNo: number | null;
    tailLineNo: number | null;
    /** The place of its file's shape among those of its load. */
    shapeNo: number;
    isAgain: boolean;
    /** Waits until the reject budget of its whole file has been applied. */
    isHeld: boolean;
}

/** How a file is read, as record_load takes it. */
export interface RecordedShape {
    header: string[];
    extraColumns: string[] | null;
    missingColumns: string[] | null;
    ignoredColumns: string[] | null;
    dialect: Dialect;
    source: SourceConfig | null;
    /** Sources are declared, and none of them fits. */
    isUnmatched: boolean;
}

/** `shapes` are those that the chunks name by their places. */
export async function recordLoad(
    sql: Sql,
    loadId: number,
    bytes: number,
    shapes: RecordedShape[],
    chunks: StagedChunk[],
): Promise<void> {
    await sql`
        select ingest.record_load(
            ${loadId}, ${bytes}, ${JSON.stringify(shapes)}::text::jsonb, ${JSON.stringify(chunks)}::text::jsonb
        )`;
}

/** Whether the stream's next chunk may go straight into the table (sql/engine/direct_load.sql). */
export async function takesDirectLoad(sql: Sql, streamId: number): Promise<boolean> {
    const [row] = await sql<{ takes: boolean }[]>`select ingest.takes_direct_load(${streamId}::smallint) as takes`;
    return row!.takes;
}

/** In the transaction of the COPY, on its connection. */
export async function recordDirectLoad(
    copySql: ReservedSQL,
    loadId: number,
    bytes: number,
    shape: RecordedShape,
    chunk: StagedChunk,
    batchKey: string,
): Promise<Batch> {
    const [row] = await copySql`
        select to_jsonb(batches)::text as batch
        from ingest.record_direct_load(
            ${loadId}::bigint, ${bytes}::bigint, ${JSON.stringify([shape])}::text::jsonb,
            ${JSON.stringify([chunk])}::text::jsonb, ${batchKey}::text::uuid
        ) as batches`;
    const batch = JSON.parse(row.batch);
    return {
        ...pickCounts(batch),
        batchId: batch.batch_id,
        slices: batch.slices,
        chunks: batch.chunks,
        startedAt: new Date(batch.started_at),
        finishedAt: new Date(batch.finished_at),
        oldestStagedAt: new Date(batch.oldest_staged_at),
        durationMs: batch.duration_ms,
    };
}

export async function abandonLoads(sql: Sql, loadIds: number[]): Promise<void> {
    await sql`select ingest.abandon_loads(${loadIds}::bigint[])`;
}

/** `keptRows`: spent ones that could not be removed, because somebody reads the table. */
export async function sweepStaging(
    sql: Sql,
    streamId: number,
    workerId: string,
): Promise<{ sweptRows: number; keptRows: number }> {
    const [row] = await sql<{ sweptRows: number; keptRows: number }[]>`
        select swept_rows as "sweptRows", kept_rows as "keptRows"
        from ingest.sweep_staging(${streamId}, ${workerId})`;
    return row!;
}
