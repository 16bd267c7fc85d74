/**
 * Replays the rejects of a stream whose missing parents are there now: in the order in which they were rejected, a page at a time,
 * each one statement and one transaction (sql/engine/replay_batch.sql). One that somebody edited and is not yet ready stays.
 */
import { randomUUID } from "node:crypto";
import type { Sql } from "../../database/connect.ts";
import type { Stream } from "../../streams/stream.ts";
import { addTo, noRecords, pickCounts, type RecordCounts } from "../../terminal/record-counts.ts";
import type { Outage } from "../outage/outage.ts";

/** Rejects that one statement looks at. */
const pageRejects = 2_000;

export interface RetryOptions {
    stream: Pick<Stream, "id" | "home">;
    workerId: string;
    survive: Outage["survive"];
    signal: AbortSignal;
    /** Runs a step on a connection that may be busy for a while. */
    withTurn<Result>(step: (sql: Sql) => Promise<Result>): Promise<Result>;
}

/** What became of those that were ready. Throws what the database throws; what was committed before that stays. */
export async function retryRejects(options: RetryOptions): Promise<RecordCounts> {
    const { stream, survive, signal, withTurn } = options;
    const total = noRecords();
    let after = 0;
    while (!signal.aborted) {
        const page = await survive(() => withTurn((sql) => readReady(sql, stream, after)));
        if (page === null || page.last === null) break;
        after = page.last;
        if (page.ready.length === 0) continue;
        // The same key for as long as the answer is lost: a batch that was committed is given back, not done twice.
        const batchKey = randomUUID();
        const batch = await survive(() => withTurn((sql) => replay(sql, options, batchKey, page.ready)));
        if (batch !== null) addTo(total, batch);
    }
    return total;
}

async function readReady(
    sql: Sql,
    stream: Pick<Stream, "home">,
    after: number,
): Promise<{ ready: number[]; last: number | null }> {
    const [row] = await sql<{ ready: string; last: number | null }[]>`
        select array_to_json(ready)::text as ready, last_reject_id as last
        from ${sql(stream.home)}.ready_rejects(${after}, ${pageRejects})`;
    return { ready: JSON.parse(row!.ready), last: row!.last };
}

async function replay(
    sql: Sql,
    { stream, workerId }: RetryOptions,
    batchKey: string,
    ready: readonly number[],
): Promise<RecordCounts | null> {
    const [row] = await sql<{ answer: string }[]>`
        select ingest.replay_as_caller(
            ${stream.id}, ${batchKey}, ${workerId}, ${ready as number[]}::bigint[], false, false
        )::text as answer`;
    const { batch } = JSON.parse(row!.answer) as { batch: RecordCounts | null };
    return batch === null ? null : pickCounts(batch);
}
