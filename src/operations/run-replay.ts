/**
 * Replays the rejects of a stream that a filter chooses: in pages of reject ids, each one statement and one transaction
 * (sql/engine/replay_batch.sql). Records whose verdict has changed go through the ordinary merge; the rest is only counted.
 */
import { randomUUID } from "node:crypto";
import type { Sql } from "../database/connect.ts";
import { sluiceStates, sqlStateOf } from "../database/sql-states.ts";
import { noRecords, pickCounts, type RecordCounts } from "../terminal/record-counts.ts";
import type { ReasonCount, ReplaySample } from "./rejects/field-schema.ts";
import { choosePage, countChosen, type RejectFilter } from "./rejects/reject-filter.ts";
import { repeatStep } from "./repeat-step.ts";

export interface ReplayRequest extends RejectFilter {
    /** A record that is in conflict replaces the stored row, which becomes the reject. */
    acceptConflicts?: boolean | undefined;
    /** Everything is done and rolled back. Pages do not see each other's outcome then. */
    dryRun?: boolean | undefined;
    /** With `dryRun`: values to try in place of those of the records. */
    tried?: Record<string, string | null> | undefined;
    /** What the caller has seen of the one reject of `ids`. With another state of it, SL008 is raised. */
    seen?: SeenReject | undefined;
    /** Reject ids of one transaction. */
    pageRejects?: number;
}

export interface SeenReject {
    editedAt?: string | null | undefined;
    storedHash?: string | null | undefined;
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
    /** Chosen rejects that somebody else was changing: they are left for the next replay. */
    busy: number;
    /** What of the chosen ones is still rejected or in conflict afterwards, by reason, the most frequent first. */
    remaining: ReasonCount[];
    /** A few accepted ones beside the rows that they replaced; of a single chosen reject, what became of it. */
    samples: ReplaySample[];
}

/** As ingest.replay_rejects answers. */
interface Answer {
    batch: (RecordCounts & { batch_id: number; displaced: number }) | null;
    refused: number;
    busy: number;
    remaining: ReasonCount[];
    samples: ReplaySample[];
}

const defaultPageRejects = 50_000;
const mostSamples = 5;
const noCounts = { ...noRecords(), displaced: 0, refused: 0 };

export const emptySummary = (dryRun: boolean): ReplaySummary => ({
    dryRun,
    batches: 0,
    ...noCounts,
    unchanged: 0,
    unsplittable: 0,
    busy: 0,
    remaining: [],
    samples: [],
});

/** Throws what the database throws; what was committed before that stays, and a further replay goes on from there. */
export async function runReplay(
    sql: Sql,
    request: ReplayRequest,
    onBatch: (batch: ReplayBatch) => void = () => {},
    /** How many of the chosen range of reject ids have been looked at. */
    onLook: (looked: number, total: number) => void = () => {},
): Promise<ReplaySummary> {
    const { pageRejects = defaultPageRejects, dryRun = false, tried, ids } = request;
    const filter = { ...request, streamId: request.streamId ?? 0 };
    const before = await countChosen(sql, filter);
    // Values can be tried for a record that has none.
    const withoutRecord = tried !== undefined && ids?.length === 1;
    const first = withoutRecord ? (ids[0] ?? null) : before.firstId;
    const last = withoutRecord ? first : before.lastId;
    const summary = emptySummary(dryRun);
    if (first === null || last === null) return { ...summary, unsplittable: before.unsplittable };

    const workerId = randomUUID();
    // Rejects that the replay itself leaves have higher ids: it never meets them.
    for (let after = first - 1; after < last; ) {
        const page = await choosePage(sql, filter, { after, last, limit: pageRejects, withoutRecord });
        after = page.length < pageRejects ? last : page.at(-1)!;
        if (page.length > 0) {
            const answer = await replayPage(sql, filter, workerId, page);
            addPage(summary, page.length, answer);
            if (answer.batch !== null) onBatch(batchOf(answer.batch, answer.refused));
        }
        onLook(after - first + 1, last - first + 1);
    }
    return { ...summary, unsplittable: withoutRecord ? 0 : before.unsplittable };
}

function addPage(summary: ReplaySummary, chosen: number, { batch, refused, busy, remaining, samples }: Answer): void {
    if (batch !== null) {
        summary.batches += 1;
        const counts = batchOf(batch, refused);
        for (const name of Object.keys(noCounts) as (keyof typeof noCounts)[]) summary[name] += counts[name];
    }
    summary.busy += busy;
    summary.unchanged += chosen - (batch?.read ?? 0) - busy;
    summary.remaining = addReasons(summary.remaining, remaining);
    summary.samples = [...summary.samples, ...samples].slice(0, mostSamples);
}

/** The counts of both, the most frequent reason first. */
export function addReasons(left: readonly ReasonCount[], right: readonly ReasonCount[]): ReasonCount[] {
    const sums = new Map<string, number>();
    for (const { reason, records } of [...left, ...right]) sums.set(reason, (sums.get(reason) ?? 0) + records);
    return [...sums]
        .map(([reason, records]) => ({ reason, records }))
        .sort((one, other) => other.records - one.records || (one.reason < other.reason ? -1 : 1));
}

function batchOf(batch: NonNullable<Answer["batch"]>, refused: number): ReplayBatch {
    return { ...pickCounts(batch), batchId: batch.batch_id, displaced: batch.displaced, refused };
}

async function replayPage(
    sql: Sql,
    { streamId = 0, acceptConflicts = false, dryRun = false, tried, seen }: ReplayRequest,
    workerId: string,
    page: readonly number[],
): Promise<Answer> {
    const batchKey = randomUUID();
    const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));
    try {
        // The same key each time: a batch whose acknowledgement was lost is described again, not done twice.
        return await repeatStep(async () => {
            const [row] = await sql<{ answer: string }[]>`
                select ingest.replay_rejects(
                    ${streamId}, ${batchKey}, ${workerId}, ${page as number[]}::bigint[], ${acceptConflicts}, ${dryRun},
                    ${json(tried)}::text::jsonb, ${json(seen)}::text::jsonb
                )::text as answer`;
            return JSON.parse(row!.answer) as Answer;
        });
    } catch (error) {
        if (!dryRun || sqlStateOf(error) !== sluiceStates.triedOnly) throw error;
        return JSON.parse((error as { detail: string }).detail) as Answer;
    }
}
