/**
 * Replays the rejects of a stream: in ranges of reject ids, each one statement and one transaction
 * (sql/engine/replay_batch.sql). Records whose verdict has changed go through the ordinary merge; the rest is only counted.
 */
import { randomUUID } from "node:crypto";
import type { Sql } from "../database/connect.ts";
import { sluiceStates, sqlStateOf } from "../database/sql-states.ts";
import { countNames, noRecords, pickCounts, type RecordCounts } from "../terminal/record-counts.ts";
import { repeatStep } from "./repeat-step.ts";

export interface ReplayRequest {
    /** Of ingest.streams. Default: the built-in stream's. */
    streamId?: number | undefined;
    /** Only rejects with this reason. */
    reason?: string | undefined;
    /** Only rejects of this path, every version of it. */
    file?: string | undefined;
    /** Only rejects from this moment on: anything that Postgres reads as a timestamp. */
    since?: string | undefined;
    /** A record that is in conflict replaces the stored row, which becomes the reject. */
    acceptConflicts?: boolean;
    /** Everything is done and rolled back. Ranges do not see each other's outcome then. */
    dryRun?: boolean;
    /** Reject ids that one transaction looks at. */
    rangeIds?: number;
}

export interface ReplayBatch extends RecordCounts {
    batchId: number;
    displaced: number;
    /** Conflicts that were to be accepted and whose record the table refuses: their `refusal` says why. */
    refused: number;
}

export interface ReplaySummary extends Omit<ReplayBatch, "batchId"> {
    dryRun: boolean;
    batches: number;
    /** Chosen rejects whose verdict is what it was: they stand. */
    unchanged: number;
    /** Chosen rejects that could not be split into values: they need a `record` first. */
    unsplittable: number;
}

interface Standing {
    firstId: number | null;
    lastId: number | null;
    splittable: number;
    unsplittable: number;
}

const defaultRangeIds = 100_000;

/** Throws what the database throws; what was committed before that stays, and a further replay goes on from there. */
export async function runReplay(
    sql: Sql,
    request: ReplayRequest,
    onBatch: (batch: ReplayBatch) => void = () => {},
    /** How many of the chosen range of reject ids have been looked at. */
    onLook: (looked: number, total: number) => void = () => {},
): Promise<ReplaySummary> {
    const { rangeIds = defaultRangeIds, dryRun = false } = request;
    const workerId = randomUUID();
    const before = await readStanding(sql, request);
    const total = { ...noRecords(), displaced: 0, refused: 0 };
    let batches = 0;
    // Rejects that the replay itself leaves have higher ids: it never meets them.
    for (let from = before.firstId ?? 0; before.lastId !== null && from <= before.lastId; from += rangeIds) {
        const to = Math.min(from + rangeIds - 1, before.lastId);
        const batch = await replayRange(sql, request, workerId, from, to);
        onLook(to - before.firstId! + 1, before.lastId - before.firstId! + 1);
        if (batch === null) continue;
        batches += 1;
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += batch[name];
        onBatch(batch);
    }
    return { dryRun, batches, ...total, unchanged: before.splittable - total.read, unsplittable: before.unsplittable };
}

async function replayRange(
    sql: Sql,
    { streamId = 0, reason, file, since, acceptConflicts = false, dryRun = false }: ReplayRequest,
    workerId: string,
    from: number,
    to: number,
): Promise<ReplayBatch | null> {
    const batchKey = randomUUID();
    try {
        // The same key each time: a batch whose acknowledgement was lost is given back, not done twice.
        return await repeatStep(async () => {
            const [row] = await sql<Omit<ReplayBatch, "refused">[]>`
                select batch_id as "batchId", ${sql(countNames)}, displaced
                from ${replayOf(sql, streamId)}
                    ${batchKey}, ${workerId}, ${from}, ${to}, ${reason ?? null}, ${file ?? null},
                    ${since ?? null}::text::timestamptz, ${acceptConflicts}, ${dryRun}
                )`;
            return row ? { ...row, refused: acceptConflicts ? await countRefused(sql, row.batchId) : 0 } : null;
        });
    } catch (error) {
        if (dryRun && sqlStateOf(error) === sluiceStates.triedOnly) return batchOfDetail(error);
        throw error;
    }
}

/** Roles that were granted the replay of the built-in stream, before there were others, keep it. */
function replayOf(sql: Sql, streamId: number) {
    return streamId === 0 ? sql`ingest.replay_batch(` : sql`ingest.replay_stream(${streamId},`;
}

async function countRefused(sql: Sql, batchId: number): Promise<number> {
    const [row] = await sql<{ refused: number }[]>`select ingest.count_refused_conflicts(${batchId}) as refused`;
    return row!.refused;
}

function batchOfDetail(error: unknown): ReplayBatch {
    const batch = JSON.parse((error as { detail: string }).detail);
    return { ...pickCounts(batch), batchId: batch.batch_id, displaced: batch.displaced, refused: batch.refused };
}

/** The standing rejects that the request chooses. */
async function readStanding(sql: Sql, { streamId = 0, reason, file, since }: ReplayRequest): Promise<Standing> {
    const [row] = await sql<Standing[]>`
        select
            min(reject_id) filter (where record is not null) as "firstId",
            max(reject_id) filter (where record is not null) as "lastId",
            count(*) filter (where record is not null) as "splittable",
            count(*) filter (where record is null) as "unsplittable"
        from ingest.rejects
        where
            resolved_by_batch is null
            and stream_id = ${streamId}
            and (${reason ?? null}::text is null or ${reason ?? null} = any(reasons))
            and (${since ?? null}::text is null or rejected_at >= ${since ?? null}::text::timestamptz)
            and (${file ?? null}::text is null or ingest.is_chunk_of_path(chunk_id, ${file ?? null}))`;
    return row!;
}
