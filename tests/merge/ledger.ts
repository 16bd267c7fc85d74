/**
 * The ledger by hand: files registered, loads begun, rows staged by INSERT, loads recorded, and merges called as SQL.
 * The facts that a loader finds by reading a file (slices, counts, places) are worked out here independently.
 */
import { randomUUID } from "node:crypto";
import type { Sql } from "../../src/database/connect.ts";

/** A staged row: the values of its columns; every other column is null. */
export interface StagedRow {
    event_id?: string | null;
    event_type?: string | null;
    product_id?: string | null;
    user_id?: string | null;
    event_timestamp?: string | null;
    quantity?: string | null;
    price?: string | null;
    attributes?: string | null;
    problem?: string | null;
    [extra: `extra_${number}`]: string | null;
}

export interface BatchRow {
    batchId: number;
    slices: number;
    chunks: number;
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
}

export interface ChunkRow {
    chunkId: number;
    state: string;
    loadId: number | null;
    mergedSlices: number;
    attempts: number;
    problem: string | null;
}

export const allSlices = 0xffff;
export const worker = "00000000-0000-4000-8000-00000000000a";

export const idOf = (no: number) => `018f0000-0000-4000-8000-${no.toString(16).padStart(12, "0")}`;

/** A good record with the id of this number, whose last hex digit is its slice. */
export function event(no: number, values: StagedRow = {}): StagedRow {
    return {
        event_id: idOf(no),
        event_type: "view",
        product_id: "p1",
        user_id: "u1",
        event_timestamp: "2024-05-01 10:00:00",
        quantity: "0",
        price: "0",
        ...values,
    };
}

export const problem = (reason: string, raw = "the,raw,text") =>
    ({ problem: JSON.stringify({ reason, line: 2, byte: 70, raw }) }) satisfies StagedRow;

function sliceOf({ event_id }: StagedRow): number {
    const digit = Number.parseInt(event_id?.trim().at(-1) ?? "", 16);
    return Number.isNaN(digit) ? 0 : digit;
}

export async function takeLease(sql: Sql, holder = worker, lease = "1 hour", stream = 0): Promise<boolean> {
    const [row] = await sql<{ taken: boolean }[]>`
        select ingest.take_loader_lease(${stream}::smallint, ${holder}, ${lease}::text::interval) as taken`;
    return row!.taken;
}

export async function registerFile(sql: Sql, path: string, stream = 0): Promise<number> {
    const seen = JSON.stringify([{ path, sizeBytes: 1_000, mtimeNs: "1", inode: "1" }]);
    const [row] = await sql<{ fileId: number }[]>`
        select file_id as "fileId" from ingest.register_files(${stream}::smallint, ${seen}::text::jsonb)`;
    return row!.fileId;
}

export async function beginLoad(sql: Sql, chunkCount = 1, stream = 0): Promise<{ loadId: number; chunkIds: number[] }> {
    const [row] = await sql<{ loadId: number; chunkIds: number[] }[]>`
        select load_id as "loadId", chunk_ids as "chunkIds"
        from ingest.begin_load(${stream}::smallint, ${worker}, 'verbatim', ${chunkCount})`;
    return row!;
}

const eventColumns = [
    ...(["event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "price"] as const),
];

/** The second of its time since 1970, if the record's id, time and numbers stand in their commonest form. */
function plainSecondOf({ problem, event_id, event_timestamp, quantity, price }: StagedRow): number | null {
    const isPlain =
        problem == null &&
        /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(event_id ?? "") &&
        /^(\d{1,9})?$/.test(quantity ?? "") &&
        /^(\d{1,8}(\.\d{1,2})?)?$/.test(price ?? "");
    const iso = `${event_timestamp?.replace(" ", "T")}.000Z`;
    const time = Date.parse(iso);
    // A day or an hour that there is not is read as another.
    return isPlain && time >= 0 && new Date(time).toISOString() === iso ? time / 1000 : null;
}

/** A value has white space around it, or is empty and not null. */
function isPadded(row: StagedRow): boolean {
    return eventColumns.some((column) => /^$|^[ \t\n\r\f\v]|[ \t\n\r\f\v]$/.test(row[column] ?? "x"));
}

export async function insertStaged(
    sql: Sql,
    { loadId, chunkId, firstRecordNo = 1 }: { loadId: number; chunkId: number; firstRecordNo?: number },
    rows: StagedRow[],
): Promise<void> {
    const [load] = await sql<{ lane: number }[]>`select lane from ingest.loads where load_id = ${loadId}`;
    const staged = rows.map((row, index) => ({
        load_id: loadId,
        chunk_id: chunkId,
        record_no: firstRecordNo + index,
        slice_no: sliceOf(row),
        plain_second: plainSecondOf(row),
        lane: load?.lane ?? 0,
        ...row,
    }));
    await sql`
        insert into ingest.staging
        select * from jsonb_populate_recordset(null::ingest.staging, ${JSON.stringify(staged)}::text::jsonb)`;
}

/** A chunk as record_load takes it. A chunk's bytes are its record numbers times ten. */
export function chunkRecord(
    place: { chunkId: number; fileId: number },
    rows: StagedRow[],
    options: Partial<Record<string, unknown>> = {},
): Record<string, unknown> {
    const firstRecordNo = (options.firstRecordNo as number | undefined) ?? 1;
    return {
        ...place,
        firstByte: (firstRecordNo - 1) * 10,
        endByte: (firstRecordNo - 1 + rows.length) * 10,
        firstRecordNo,
        firstLineNo: firstRecordNo + 1,
        endLineNo: firstRecordNo + rows.length,
        records: rows.length,
        isTyped: false,
        sliceRecords: Array.from({ length: 16 }, (_, slice) => rows.filter((row) => sliceOf(row) === slice).length),
        contentHash: `hash of chunk ${place.chunkId}`,
        isPadded: rows.some(isPadded),
        atEnd: true,
        tailByte: null,
        tailRecordNo: null,
        tailLineNo: null,
        sizeBytes: 1_000,
        mtimeNs: "1",
        inode: "1",
        header: [...eventColumns],
        extraColumns: rows.some(({ attributes }) => attributes != null) ? ["unknown"] : null,
        isAgain: false,
        ...options,
    };
}

export async function recordLoad(sql: Sql, loadId: number, chunks: Record<string, unknown>[]): Promise<void> {
    // A chunk tells here too how its file is read.
    const numbered = chunks.map((chunk, shapeNo) => ({ ...chunk, shapeNo }));
    await sql`
        select ingest.record_load(
            ${loadId}, 100, ${JSON.stringify(chunks)}::text::jsonb, ${JSON.stringify(numbered)}::text::jsonb
        )`;
}

export interface Staged {
    fileId: number;
    chunkId: number;
    loadId: number;
    rows: StagedRow[];
    record: Record<string, unknown>;
}

let fileNo = 0;

/** A file of one chunk, staged by a load of its own, as the loader leaves it. */
export async function stageFile(
    sql: Sql,
    rows: StagedRow[],
    options: Partial<Record<string, unknown>> = {},
): Promise<Staged> {
    const stream = options.stream as number | undefined;
    await takeLease(sql, worker, "1 hour", stream);
    fileNo += 1;
    const fileId =
        (options.fileId as number | undefined) ??
        (await registerFile(sql, `file-${String(fileNo).padStart(6, "0")}.csv`, stream));
    const { loadId, chunkIds } = await beginLoad(sql, 1, stream);
    const chunkId = chunkIds[0]!;
    const record = chunkRecord({ chunkId, fileId }, rows, options);
    // Another stream has a staging of its own.
    if (!stream) await insertStaged(sql, { loadId, chunkId, firstRecordNo: record.firstRecordNo as number }, rows);
    await recordLoad(sql, loadId, [record]);
    return { fileId, chunkId, loadId, rows, record };
}

/** A file of several chunks, each staged by a load of its own; the file is loaded with the last of them. */
export async function stageChunks(sql: Sql, chunks: StagedRow[][]): Promise<Staged[]> {
    const staged: Staged[] = [];
    let firstRecordNo = 1;
    for (const [index, rows] of chunks.entries()) {
        const atEnd = index === chunks.length - 1;
        const { fileId } = staged[0] ?? {};
        staged.push(await stageFile(sql, rows, { ...(fileId === undefined ? {} : { fileId }), firstRecordNo, atEnd }));
        firstRecordNo += rows.length;
    }
    return staged;
}

/** Stages the rows of a chunk that is pending once more, as stage-again.ts does. */
export async function stageAgain(sql: Sql, staged: Staged): Promise<number> {
    const { loadId } = await beginLoad(sql);
    const { chunkId, rows, record } = staged;
    await insertStaged(sql, { loadId, chunkId, firstRecordNo: record.firstRecordNo as number }, rows);
    await recordLoad(sql, loadId, [{ ...record, isAgain: true }]);
    return loadId;
}

export interface MergeOptions {
    slices?: number;
    maxRecords?: number;
    maxChunks?: number;
    key?: string;
    stream?: number;
    verifyStaged?: boolean;
}

/** As src/engine/merge/merge-batch.ts calls it: anew, counting what is staged, when not all is there that the loader counted. */
export async function merge(sql: Sql, options: MergeOptions = {}): Promise<BatchRow | null> {
    try {
        return await mergeOnce(sql, options);
    } catch (error) {
        if ((error as { code?: string }).code !== "SL006") throw error;
        return await mergeOnce(sql, { ...options, verifyStaged: true });
    }
}

export async function mergeOnce(
    sql: Sql,
    {
        slices = allSlices,
        maxRecords = 1_000_000,
        maxChunks = 1_000_000,
        key = randomUUID(),
        stream = 0,
        verifyStaged = false,
    }: MergeOptions = {},
): Promise<BatchRow | null> {
    const [row] = await sql<BatchRow[]>`
        select batch_id as "batchId", slices, chunks, read, inserted, duplicate, conflict, rejected
        from ingest.merge_batch(${stream}, ${key}, ${worker}, ${slices}, ${maxRecords}, ${maxChunks}, null, ${verifyStaged})`;
    return row ?? null;
}

/** Stages and merges one file. */
export async function mergeFile(sql: Sql, rows: StagedRow[], options: Partial<Record<string, unknown>> = {}) {
    const staged = await stageFile(sql, rows, options);
    const batch = (await merge(sql))!;
    return { ...staged, batch, counts: countsOf(batch) };
}

/** `[read, inserted, duplicate, conflict, rejected]` */
export function countsOf({ read, inserted, duplicate, conflict, rejected }: BatchRow): number[] {
    return [read, inserted, duplicate, conflict, rejected];
}

export async function chunkRows(sql: Sql): Promise<ChunkRow[]> {
    const rows = await sql<ChunkRow[]>`
        select
            chunk_id as "chunkId", state, load_id as "loadId", merged_slices as "mergedSlices", attempts, problem
        from ingest.chunks
        order by chunk_id`;
    return [...rows];
}

export const chunkStates = async (sql: Sql) => (await chunkRows(sql)).map(({ state }) => state);

export async function fileStates(sql: Sql): Promise<string[]> {
    const rows = await sql<{ state: string }[]>`select state from ingest.files order by file_id`;
    return rows.map(({ state }) => state);
}

/** Event ids by their numbers, with where they came from. */
export async function eventSources(sql: Sql): Promise<{ id: number; chunkId: number; recordNo: number }[]> {
    const rows = await sql<{ eventId: string; chunkId: number; recordNo: number }[]>`
        select event_id as "eventId", chunk_id as "chunkId", record_no as "recordNo" from events order by event_id`;
    return rows.map(({ eventId, ...source }) => ({ id: Number.parseInt(eventId.slice(-12), 16), ...source }));
}

export interface RejectRow {
    chunkId: number;
    recordNo: number;
    kind: string;
    reasons: string[];
    record: Record<string, string | null> | null;
}

export async function rejectRows(sql: Sql): Promise<RejectRow[]> {
    const rows = await sql<RejectRow[]>`
        select chunk_id as "chunkId", record_no as "recordNo", kind, reasons, record
        from ingest.rejects
        order by chunk_id, record_no`;
    return [...rows];
}

/**
 * The tables after a merge, without the ids of batches and times, and with chunks and files counted from 1: equal when two
 * ways of merging came to the same.
 */
export async function tables(sql: Sql) {
    const chunkNos = sql`(
        select chunks.chunk_id, row_number() over (order by chunks.chunk_id) as chunk_no from ingest.chunks
    ) as numbered_chunks`;
    const events = await sql`
        select
            event_id, event_type, product_id, user_id, event_timestamp, quantity, price, attributes, chunk_no, record_no
        from events
        left join ${chunkNos} using (chunk_id)
        order by event_id`;
    const rejects = await sql`
        select chunk_no, record_no, kind, reasons, record, raw_text, line_no, byte_offset
        from ingest.rejects
        left join ${chunkNos} using (chunk_id)
        order by chunk_no, record_no`;
    const counts = await sql`
        select
            chunk_no,
            sum(read) as read,
            sum(inserted) as inserted,
            sum(duplicate) as duplicate,
            sum(conflict) as conflict,
            sum(rejected) as rejected,
            bit_or(slices) as slices,
            sum(slices) as slice_sum
        from ingest.chunk_merges
        left join ${chunkNos} using (chunk_id)
        group by chunk_no
        order by chunk_no`;
    const stats = await sql`
        select grain, bucket, event_type, events, quantity, revenue
        from ingest.event_stats
        order by grain, bucket, event_type`;
    const chunks = await sql`select state, merged_slices from ingest.chunks order by chunk_id`;
    const files = await sql`select state from ingest.files order by file_id`;
    const asJson = (rows: readonly unknown[]) => JSON.parse(JSON.stringify(rows));
    return {
        events: asJson(events),
        rejects: asJson(rejects),
        counts: asJson(counts),
        stats: asJson(stats),
        chunks: asJson(chunks),
        files: asJson(files),
    };
}
