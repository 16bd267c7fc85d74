/**
 * One merge: the call, what to do when its answer was lost, and the way around records that no merge can take.
 */

import { randomUUID } from "node:crypto";
import type { Sql } from "../../database/connect.ts";
import { describeFault } from "../../database/describe-fault.ts";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { isDataFault, meaningOf, sluiceStates, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { findShapeProblem, TableShapeFault } from "../../database/table-shape.ts";
import { countNames } from "../../terminal/record-counts.ts";
import type { IngestContext } from "../context.ts";
import type { Batch } from "../ledger/batch.ts";
import { failChunk } from "../ledger/chunks.ts";
import type { FileFailure } from "../ledger/files.ts";
import { allSlices, type BatchSize, createBatchSize } from "./batch-size.ts";
import { failReleasedSnapshot, needsText, refusalOf, stageAsText } from "./refused-snapshot.ts";

export interface MergeRequest {
    /** Bit n wants slice n; the merge takes those that no other merge has locked. */
    slices: number;
    maxRecords: number;
    maxChunks: number;
    /** Nothing but this chunk, and only if its turn has come. */
    onlyChunk?: number;
}

/** How often a merge is repeated because somebody else inserted the same key between our look-up and our insert. */
const mostCollisions = 5;

/** After so many merges in a row that were cut off, each further one is logged. */
const sayFromCut = 2;

/**
 * Merges what is staged, up to the request's bounds. Null when there was nothing to do. `batchKey` makes a call that is
 * repeated after a lost answer return the batch that was committed, instead of merging again.
 */
export async function callMerge(
    context: Pick<IngestContext, "sql" | "stream" | "workerId">,
    batchKey: string,
    request: MergeRequest,
    verifyStaged = false,
): Promise<Batch | null> {
    const { sql, stream, workerId } = context;
    const { slices, maxRecords, maxChunks, onlyChunk = null } = request;
    try {
        const [row] = await sql<Batch[]>`
            select ${batchColumns(sql)}
            from ingest.merge_batch(
                ${stream.id}, ${batchKey}, ${workerId}, ${slices}, ${maxRecords}, ${maxChunks}, ${onlyChunk}, ${verifyStaged}
            )`;
        return row ?? null;
    } catch (error) {
        // A snapshot of which rows were lost seems to lack them: only one whose rows are all there is refused.
        const mayBeLost = [sluiceStates.stagedRowsMissing, sluiceStates.snapshotRefused].some(
            (state) => state === sqlStateOf(error),
        );
        if (verifyStaged || !mayBeLost) throw error;
        return await callMerge(context, batchKey, request, true);
    }
}

/** The committed batch of that key. */
export async function findBatch(sql: Sql, batchKey: string): Promise<Batch | null> {
    const [row] = await sql<Batch[]>`select ${batchColumns(sql)} from ingest.batches where batch_key = ${batchKey}`;
    return row ?? null;
}

const batchColumns = (sql: Sql) => sql`
    batch_id as "batchId",
    slices,
    chunks,
    ${sql(countNames)},
    started_at as "startedAt",
    finished_at as "finishedAt",
    oldest_staged_at as "oldestStagedAt",
    duration_ms as "durationMs"`;

export type Merger = ReturnType<typeof createMerger>;

export interface MergeContext extends IngestContext {
    /** Throws a fault of the schema when the table is not the one that the stream's functions were made for. */
    checkTable?: () => Promise<void>;
}

interface MergerState extends MergeContext {
    size: BatchSize;
    /** The key of the batch whose end is not known yet. */
    openKey: string | null;
    /** Merges in a row that were cut off, and the error of the latest while it has had no consequence. */
    cuts: number;
    openCut: unknown;
}

/**
 * A merger keeps the key of a batch until it knows how that ended, so that a lost answer is asked for again; and
 * halves its batches while they raise on data, until the one chunk that cannot pass is alone: that is failed, and the
 * rest goes on (promise 6). One that was cut off before its end is halved too, down to one slice of one chunk.
 */
export function createMerger(context: MergeContext) {
    const { stream, sql, workerId, config, log, checkTable } = context;
    const state: MergerState = {
        ...{ stream, sql, workerId, config, log, checkTable },
        size: createBatchSize(),
        openKey: null,
        cuts: 0,
        openCut: null,
    };
    return {
        /** One batch, or null when there is nothing to merge for these slices. Faults of the database pass through. */
        merge(slices: number, sql: Sql = context.sql): Promise<Batch | null> {
            state.sql = sql;
            return merge(state, slices);
        },
        /** The answer to the last call was lost: a call, for whatever slices, learns how that ended. */
        owesAnswer: () => state.openKey !== null,
    };
}

async function merge(merger: MergerState, slices: number): Promise<Batch | null> {
    // Not when it happened: what ended the merge may have ended its connection too.
    if (merger.openCut !== null) await takeLess(merger, slices);
    for (let collisions = 0; ; ) {
        try {
            return await mergeGroups(merger, slices);
        } catch (error) {
            if (meaningOf(error) === "cut") merger.openCut = error;
            if (sqlStateOf(error) === sqlStates.uniqueViolation && collisions < mostCollisions) {
                collisions += 1;
                continue;
            }
            const isSnapshot = merger.stream.mode.name === "snapshot";
            if (isSnapshot && needsText(error)) return await readAgainAsText(merger);
            if (!isFaultOfData(error) && !(isSnapshot && refusalOf(error))) throw error;
            const outcome = isSnapshot ? await failSnapshot(merger, error) : await narrowDown(merger, slices, error);
            if (outcome !== "again") return outcome;
        }
    }
}

async function mergeGroups(merger: MergerState, slices: number): Promise<Batch | null> {
    const { size, stream } = merger;
    // A snapshot is merged whole, however large it is.
    for (const group of stream.mode.name === "snapshot" ? [allSlices] : size.sliceGroups(slices)) {
        const batch = await call(merger, group, size.maxChunks());
        if (batch === null) continue;
        merger.cuts = 0;
        if (batch.slices !== 0) size.passed(batch.slices);
        return batch;
    }
    return null;
}

async function call(merger: MergerState, slices: number, maxChunks: number, onlyChunk?: number): Promise<Batch | null> {
    merger.openKey ??= randomUUID();
    const request = { slices, maxRecords: merger.config.maxBatchRecords, maxChunks, onlyChunk };
    await passFaultPoint("before-merge");
    const batch = await callMerge(merger, merger.openKey, request);
    if (batch) await passFaultPoint("after-merge");
    merger.openKey = null;
    return batch;
}

/** A merge failed on its data: fewer chunks are tried, and of one chunk whether it is the one that cannot pass. */
async function narrowDown(merger: MergerState, slices: number, error: unknown): Promise<Batch | "again" | null> {
    const { size, log } = merger;
    await refuseOtherShape(merger, error);
    const open = await openChunks(merger, slices);
    const tried = Math.min(size.maxChunks(), open.length);
    if (tried <= 1) return await tryOneByOne(merger, slices, open);
    size.halveChunks(tried);
    const code = sqlStateOf(error) ?? "merge_failed";
    const facts = { event: "batch_halved", code };
    log.warn(`A merge failed on its data (SQLSTATE ${code}); trying fewer chunks.`, facts);
    return "again";
}

/**
 * A merge of one chunk failed. Only asking for a chunk by name tells which one it was, since others merge and fail chunks
 * too. In their order, until one is merged (its batch is returned) or is found to be the one that cannot pass.
 */
async function tryOneByOne(merger: MergerState, slices: number, open: OpenChunk[]): Promise<Batch | "again" | null> {
    const { sql, log } = merger;
    for (const { chunkId, path } of open) {
        try {
            const batch = await call(merger, slices, 1, chunkId);
            if (batch) return batch;
        } catch (error) {
            if (!isFaultOfData(error)) throw error;
            await refuseOtherShape(merger, error);
            const failure = mergeFailure(error);
            await failChunk(sql, chunkId, failure);
            const code = sqlStateOf(error) ?? "merge_failed";
            const facts = { event: "chunk_failed", file: path, chunk: chunkId, code };
            log.error(`${path}: chunk ${chunkId} is set aside. ${failure.detail}`, facts);
            return "again";
        }
    }
    return null;
}

/**
 * A snapshot is refused as a whole, or no merge can take it. Which file it was tells, as of a chunk, only a merge that asks for it by
 * name: then that file has failed, and holds nothing back.
 */
async function failSnapshot(merger: MergerState, error: unknown): Promise<Batch | "again"> {
    await refuseOtherShape(merger, error);
    const [chunk] = await openChunks(merger, allSlices);
    if (!chunk) return "again";
    try {
        return (await call(merger, allSlices, 1, chunk.chunkId)) ?? "again";
    } catch (named) {
        const refusal = refusalOf(named);
        if (refusal === null && !isFaultOfData(named)) throw named;
        await refuseOtherShape(merger, named);
        await failReleasedSnapshot(merger, chunk.chunkId, refusal ?? mergeFailure(named));
        return "again";
    }
}

/** Whichever file is released by now: to read it as text is never wrong. */
async function readAgainAsText(merger: MergerState): Promise<null> {
    merger.openKey = null;
    const [chunk] = await openChunks(merger, allSlices);
    if (chunk) await stageAsText(merger, chunk.chunkId, chunk.path);
    return null;
}

const mergeFailure = (error: unknown): FileFailure => {
    const detail = `Its merge failed with SQLSTATE ${sqlStateOf(error)}.`;
    return { problem: "merge_failed", detail, retryAfterMs: null };
};

/** Whatever ends a merge before its end (a time-out, the server's memory) would end the same one again. */
async function takeLess(merger: MergerState, slices: number): Promise<void> {
    const { size, config, log, openCut } = merger;
    merger.cuts += 1;
    const open = await openChunks(merger, slices);
    const { chunks, slices: share } = size.halve(fittingChunks(open, size.maxChunks(), config.maxBatchRecords));
    merger.openCut = null;
    if (merger.cuts < sayFromCut) return;
    const most = chunks > 1 ? `${chunks} chunks` : `one chunk, ${share} of 16 slices`;
    const facts = { event: "batch_halved", code: sqlStateOf(openCut) ?? "cut" };
    log.warn(`A merge was ended before it was done (${describeFault(openCut)}); trying ${most} at once.`, facts);
}

/**
 * Forgets the batch that failed, unless all records fail because somebody has changed the table: that is no chunk's fault.
 * @throws TableShapeFault
 */
async function refuseOtherShape(merger: MergerState, cause: unknown): Promise<void> {
    if (merger.checkTable) await merger.checkTable();
    const found = await findShapeProblem(merger.sql, merger.stream.id);
    if (found !== null) throw new TableShapeFault(found, cause);
    merger.openKey = null;
}

function isFaultOfData(error: unknown): boolean {
    return isDataFault(error) || sqlStateOf(error) === sluiceStates.countsDiffer;
}

/** How many of them one merge takes at the most. */
function fittingChunks(open: OpenChunk[], maxChunks: number, maxRecords: number): number {
    let records = 0;
    const beyond = open.findIndex((chunk) => {
        records += chunk.records;
        return records > maxRecords;
    });
    return Math.min(maxChunks, beyond === -1 ? open.length : Math.max(1, beyond));
}

interface OpenChunk {
    chunkId: number;
    path: string;
    records: number;
}

/** The staged chunks in the order in which a merge takes them. */
async function openChunks({ sql, stream }: IngestContext, slices: number): Promise<OpenChunk[]> {
    return await sql<OpenChunk[]>`
        select chunks.chunk_id as "chunkId", files.path, chunks.records
        from ingest.chunks
        inner join ingest.files on files.file_id = chunks.file_id
        where
            chunks.state = 'staged'
            and chunks.stream_id = ${stream.id}
            and ${slices}::integer & ~chunks.merged_slices <> 0
        order by chunks.chunk_id`;
}
