/** Files from the ledger, newest first: one row per version of a path. */
import { and, desc, eq, lt, ne, sql } from "drizzle-orm";
import { chunkMerges, chunks, type FileState, files } from "../../../database/schema.ts";
import type { Database } from "../reader.ts";
import { isoInstant, isoInstantOrNull, sumOutcomes } from "../shapes.ts";

const maxFailedChunks = 20;

const fileFields = {
    fileId: files.fileId,
    path: files.path,
    version: files.version,
    state: files.state,
    sizeBytes: files.sizeBytes,
    loadedBytes: files.loadedBytes,
    loadedRecords: files.loadedRecords,
    attempts: files.attempts,
    nextAttemptAt: isoInstantOrNull(files.nextAttemptAt),
    problem: files.problem,
    problemDetail: files.problemDetail,
    copyOf: files.copyOf,
    isUnmatched: files.isUnmatched,
    discoveredAt: isoInstant(files.discoveredAt),
    updatedAt: isoInstant(files.updatedAt),
    mergedAt: isoInstantOrNull(files.mergedAt),
};

export interface FilesQuery {
    limit: number;
    before?: number | undefined;
    state?: FileState | undefined;
    path?: string | undefined;
}

/** One row more than `limit`. */
export function selectFiles(db: Database, { limit, before, state, path }: FilesQuery) {
    return db
        .select(fileFields)
        .from(files)
        .where(
            and(
                before === undefined ? undefined : lt(files.fileId, before),
                state === undefined ? undefined : eq(files.state, state),
                path === undefined ? undefined : eq(files.path, path),
            ),
        )
        .orderBy(desc(files.fileId))
        .limit(limit + 1);
}

export interface FailedChunk {
    chunkId: number;
    firstRecordNo: number;
    records: number;
    attempts: number;
    problem: string | null;
    problemDetail: string | null;
}

/**
 * The file with its header and what became of its records and chunks so far, in one statement: its state and the
 * counts are of the same moment. Undefined when there is none.
 */
export async function readFile(db: Database, fileId: number) {
    const records = selectRecordCounts(db, fileId).as("records");
    const chunkCounts = selectChunkCounts(db, fileId).as("chunk_counts");
    const failedChunks = selectFailedChunks(db, fileId).as("failed_rows");
    const [file] = await db
        .select({
            ...fileFields,
            header: files.header,
            extraColumns: files.extraColumns,
            source: sql<string | null>`${files.source} ->> 'match'`,
            records: {
                read: records.read,
                inserted: records.inserted,
                duplicate: records.duplicate,
                conflict: records.conflict,
                rejected: records.rejected,
            },
            chunks: {
                total: chunkCounts.total,
                pending: chunkCounts.pending,
                staged: chunkCounts.staged,
                merged: chunkCounts.merged,
                failed: chunkCounts.failed,
            },
            failedChunks: sql<FailedChunk[]>`(select coalesce(json_agg(failed_rows), '[]') from ${failedChunks})`,
        })
        .from(files)
        .innerJoin(records, sql`true`)
        .innerJoin(chunkCounts, sql`true`)
        .where(eq(files.fileId, fileId));
    return file;
}

/** Of merges alone: replays judge records again. */
function selectRecordCounts(db: Database, fileId: number) {
    const { read, inserted, duplicate, conflict, rejected } = sumOutcomes(chunkMerges);
    return db
        .select({
            read: read.as("read"),
            inserted: inserted.as("inserted"),
            duplicate: duplicate.as("duplicate"),
            conflict: conflict.as("conflict"),
            rejected: rejected.as("rejected"),
        })
        .from(chunks)
        .innerJoin(chunkMerges, eq(chunkMerges.chunkId, chunks.chunkId))
        .where(and(eq(chunks.fileId, fileId), ne(chunkMerges.slices, 0)));
}

function selectChunkCounts(db: Database, fileId: number) {
    const inState = (state: string) =>
        sql`count(*) filter (where ${chunks.state} = ${state})`.mapWith(Number).as(`${state}_chunks`);
    return db
        .select({
            total: sql`count(*)`.mapWith(Number).as("all_chunks"),
            pending: inState("pending"),
            staged: inState("staged"),
            merged: inState("merged"),
            failed: inState("failed"),
        })
        .from(chunks)
        .where(eq(chunks.fileId, fileId));
}

function selectFailedChunks(db: Database, fileId: number) {
    return db
        .select({
            chunkId: sql`${chunks.chunkId}`.as("chunkId"),
            firstRecordNo: sql`${chunks.firstRecordNo}`.as("firstRecordNo"),
            records: chunks.records,
            attempts: chunks.attempts,
            problem: chunks.problem,
            problemDetail: sql`${chunks.problemDetail}`.as("problemDetail"),
        })
        .from(chunks)
        .where(and(eq(chunks.fileId, fileId), eq(chunks.state, "failed")))
        .orderBy(chunks.firstByte)
        .limit(maxFailedChunks);
}
