/**
 * One merge: the call, what to do when its answer was lost, and the way around records that no merge can take.
 */
import { randomUUID } from "node:crypto";
import type { Sql } from "../../database/connect.ts";
import { describeFault } from "../../database/describe-fault.ts";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { isDataFault, meaningOf, sluiceStates, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { findShapeProblem, TableShapeFault } from "../../database/table-shape.ts";
import type { IngestContext } from "../context.ts";
import { type Batch, failChunk } from "../ledger/ledger.ts";
import { createBatchSize } from "./batch-size.ts";

export interface MergeRequest {
    /** Bit n wants slice n; the merge takes those that no other merge holds. */
    slices: number;
    maxRecords: number;
    maxChunks: number;
    /** Nothing but this chunk, and only if its turn has come. */
    onlyChunk?: number;
}

/** Somebody else inserted an event_id between our look-up and our insert: so often a merge is simply called again. */
const mostCollisions = 5;

/** So many merges in a row that were cut off before their end are worth a line, and then each that halves again. */
const sayFromCut = 2;

/**
 * Merges what is staged, up to the request's bounds. Null when there was nothing to do. `batchKey` makes a call that is
 * repeated after a lost answer return the batch that was committed, instead of merging again.
 */
export async function callMerge(
    sql: Sql,
    streamId: number,
    workerId: string,
    batchKey: string,
    request: MergeRequest,
): Promise<Batch | null> {
    try {
        return await mergeBatch(sql, streamId, workerId, batchKey, request, false);
    } catch (error) {
        if (sqlStateOf(error) !== sluiceStates.stagedRowsMissing) throw error;
        return await mergeBatch(sql, streamId, workerId, batchKey, request, true);
    }
}

async function mergeBatch(
    sql: Sql,
    streamId: number,
    workerId: string,
    batchKey: string,
    { slices, maxRecords, maxChunks, onlyChunk }: MergeRequest,
    verifyStaged: boolean,
): Promise<Batch | null> {
    const [row] = await sql<Batch[]>`
        select
            batch_id as "batchId",
            slices,
            chunks,
            read,
            inserted,
            duplicate,
            conflict,
            rejected,
            started_at as "startedAt",
            finished_at as "finishedAt",
            oldest_staged_at as "oldestStagedAt",
            duration_ms as "durationMs"
        from ingest.merge_batch(
            ${streamId}, ${batchKey}, ${workerId}, ${slices}, ${maxRecords}, ${maxChunks}, ${onlyChunk ?? null}, ${verifyStaged}
        )`;
    return row ?? null;
}

export interface Merger {
    /** One batch, or null when there is nothing to merge for these slices. Faults of the database pass through. */
    merge(slices: number): Promise<Batch | null>;
    /** The answer to the last call was lost: a call, for whatever slices, learns how that ended. */
    owesAnswer(): boolean;
}

/**
 * A merger keeps the key of a batch until it knows how that ended, so that a lost answer is asked for again; and
 * halves its batches while they raise on data, until the one chunk that cannot pass is alone: that is failed, and the
 * rest goes on (promise 6). One that was cut off before its end is halved too, down to one slice of one chunk.
 */
export function createMerger(context: IngestContext): Merger {
    const { stream, sql, workerId, config, log } = context;
    let openKey: string | null = null;
    const size = createBatchSize();
    let cuts = 0;
    let openCut: unknown = null;

    async function call(slices: number, onlyChunk?: number): Promise<Batch | null> {
        openKey ??= randomUUID();
        const most = onlyChunk === undefined ? size.maxChunks() : 1;
        const request = { slices, maxRecords: config.maxBatchRecords, maxChunks: most, onlyChunk };
        await passFaultPoint("before-merge");
        const batch = await callMerge(sql, stream.id, workerId, openKey, request);
        if (batch) await passFaultPoint("after-merge");
        openKey = null;
        return batch;
    }

    /**
     * A merge of one chunk failed: of which, only asking for one by name can tell, since others merge and fail chunks too.
     * In their order, until one is merged (its batch is returned) or is found to be the one that cannot pass.
     */
    async function tryOneByOne(slices: number, open: OpenChunk[]): Promise<Batch | "failed" | null> {
        for (const { chunkId, path } of open) {
            try {
                const batch = await call(slices, chunkId);
                if (batch) return batch;
            } catch (error) {
                if (!isFaultOfData(error)) throw error;
                await refuseOtherShape(sql, error);
                openKey = null;
                const detail = `Its merge failed with SQLSTATE ${sqlStateOf(error)}.`;
                await failChunk(sql, chunkId, { problem: "merge_failed", detail, retryAfterMs: null });
                log.error(`${path}: chunk ${chunkId} is set aside. ${detail}`, {
                    event: "chunk_failed",
                    file: path,
                    chunk: chunkId,
                    code: sqlStateOf(error) ?? "merge_failed",
                });
                return "failed";
            }
        }
        return null;
    }

    async function callInGroups(slices: number): Promise<Batch | null> {
        for (const group of size.sliceGroups(slices)) {
            const batch = await call(group);
            if (batch === null) continue;
            cuts = 0;
            if (batch.slices !== 0) size.passed(batch.slices);
            return batch;
        }
        return null;
    }

    /** Whatever ends a merge before its end (a time-out, the server's memory) would end the same one again. */
    async function takeLess(error: unknown, slices: number): Promise<void> {
        cuts += 1;
        const open = await openChunks(sql, stream.id, slices);
        const { chunks, slices: share } = size.halve(fittingChunks(open, size.maxChunks(), config.maxBatchRecords));
        if (cuts < sayFromCut) return;
        const most = chunks > 1 ? `${chunks} chunks` : `one chunk, ${share} of 16 slices`;
        const facts = { event: "batch_halved", code: sqlStateOf(error) ?? "cut" };
        log.warn(`A merge was ended before it was done (${describeFault(error)}); trying ${most} at once.`, facts);
    }

    return {
        owesAnswer: () => openKey !== null,
        async merge(slices) {
            // Not when it happened: what ended the merge may have ended its connection too.
            if (openCut !== null) await takeLess(openCut, slices);
            openCut = null;
            for (let collisions = 0; ; ) {
                try {
                    return await callInGroups(slices);
                } catch (error) {
                    if (meaningOf(error) === "cut") openCut = error;
                    if (sqlStateOf(error) === sqlStates.uniqueViolation && collisions < mostCollisions) {
                        collisions += 1;
                        continue;
                    }
                    if (!isFaultOfData(error)) throw error;
                    await refuseOtherShape(sql, error);
                    openKey = null;
                    const open = await openChunks(sql, stream.id, slices);
                    const tried = Math.min(size.maxChunks(), open.length);
                    if (tried <= 1) {
                        const outcome = await tryOneByOne(slices, open);
                        if (outcome !== "failed") return outcome;
                    } else {
                        size.halveChunks(tried);
                        const code = sqlStateOf(error) ?? "merge_failed";
                        const facts = { event: "batch_halved", code };
                        log.warn(`A merge failed on its data (SQLSTATE ${code}); trying fewer chunks.`, facts);
                    }
                }
            }
        },
    };
}

/**
 * Whatever the records are like, all of them fail when somebody has changed the table: that is no chunk's fault.
 * @throws TableShapeFault
 */
async function refuseOtherShape(sql: Sql, cause: unknown): Promise<void> {
    const found = await findShapeProblem(sql);
    if (found !== null) throw new TableShapeFault(found, cause);
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
async function openChunks(sql: Sql, streamId: number, slices: number): Promise<OpenChunk[]> {
    return await sql<OpenChunk[]>`
        select chunks.chunk_id as "chunkId", files.path, chunks.records
        from ingest.chunks
        inner join ingest.files on files.file_id = chunks.file_id
        where
            chunks.state = 'staged'
            and chunks.stream_id = ${streamId}
            and ${slices}::integer & ~chunks.merged_slices <> 0
        order by chunks.chunk_id`;
}
