/** Streams beside each other in one ledger: the second one's rows are put there by hand, and `events` is merged as if alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import {
    allSlices,
    beginLoad,
    chunkStates,
    countsOf,
    event,
    eventSources,
    insertStaged,
    merge,
    mergeFile,
    stageAgain,
    stageFile,
} from "./ledger.ts";

let database: TestDatabase;
let sql: Sql;
const other = { stream: 1 };

beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
    sql = database.sql;
    await sql`select ingest.add_stream(1::smallint, 'other', 'public.other', 'insert')`;
});
afterAll(() => database.drop());
beforeEach(async () => {
    await sql`select ingest.reset()`;
});

const failedChecks = async () => (await runChecks(sql)).filter(({ passed }) => !passed).map(({ name }) => name);
const lose = async (chunkId: number) =>
    sql`update ingest.chunks set state = 'pending', load_id = null where chunk_id = ${chunkId}`;

test("a merge takes the chunks of its own stream, in their order", async () => {
    const [first, foreign, second] = [
        await stageFile(sql, [event(1), event(2)]),
        await stageFile(sql, [event(1, { user_id: "theirs" }), event(3)], other),
        await stageFile(sql, [event(1, { user_id: "u2" }), event(4)]),
    ];

    expect(countsOf((await merge(sql))!)).toEqual([4, 3, 0, 1, 0]);
    expect(await eventSources(sql)).toEqual([
        { id: 1, chunkId: first.chunkId, recordNo: 1 },
        { id: 2, chunkId: first.chunkId, recordNo: 2 },
        { id: 4, chunkId: second.chunkId, recordNo: 2 },
    ]);
    const [left] = await sql`
        select state, merged_slices as "mergedSlices" from ingest.chunks where chunk_id = ${foreign.chunkId}`;
    expect({ ...left }).toEqual({ state: "staged", mergedSlices: 0 });
    expect(await merge(sql)).toBeNull();
    expect(await failedChecks()).toEqual([]);
});

test("a chunk that waits to be staged again holds back what follows it in its own stream, and no other", async () => {
    const foreign = await stageFile(sql, [event(9)], other);
    const first = await stageFile(sql, [event(1)]);
    const second = await stageFile(sql, [event(1, { user_id: "u2" })]);
    await lose(foreign.chunkId);
    await lose(first.chunkId);

    expect(await merge(sql)).toBeNull();
    await stageAgain(sql, first);
    expect(countsOf((await merge(sql))!)).toEqual([2, 1, 0, 1, 0]);
    expect(await eventSources(sql)).toEqual([{ id: 1, chunkId: first.chunkId, recordNo: 1 }]);
    expect(second.chunkId).toBeGreaterThan(first.chunkId);
    expect(await chunkStates(sql)).toEqual(["pending", "merged", "merged"]);
});

test("should fail: a load that names a file or a lost chunk of another stream", async () => {
    const [theirs, ours] = [await stageFile(sql, [event(1)], other), await stageFile(sql, [event(1)])];
    await expect(stageFile(sql, [event(2)], { fileId: theirs.fileId, firstRecordNo: 2 })).rejects.toMatchObject({
        code: "SL001",
    });
    await lose(theirs.chunkId);
    await expect(stageAgain(sql, theirs)).rejects.toMatchObject({ code: "SL001" });
    expect(await chunkStates(sql)).toEqual(["pending", "staged"]);
    expect(ours.chunkId).toBeGreaterThan(theirs.chunkId);
});

describe("the batch is a range of chunks", () => {
    /** As a merge that takes all would be told. */
    async function isRange(): Promise<boolean> {
        return await sql.begin(async (transaction) => {
            await transaction`select ingest.prepare_merge('ingest')`;
            await transaction`
                select ingest.add_staged_chunks(
                    ingest.choose_chunks(0::smallint, ${allSlices}, 1000000, 1000000, null), ${allSlices}
                )`;
            const [row] = await transaction<{ isRange: boolean }[]>`select ingest.is_chunk_range() as "isRange"`;
            return row!.isRange;
        });
    }

    test("when it has every chunk between its first and its last", async () => {
        for (const no of [1, 2, 3]) await stageFile(sql, [event(no)]);
        expect(await isRange()).toBe(true);
    });

    test("when chunks of other streams lie between", async () => {
        await stageFile(sql, [event(1)]);
        for (const no of [2, 3, 4]) await stageFile(sql, [event(no)], other);
        await stageFile(sql, [event(5)]);
        expect(await isRange()).toBe(true);
        expect(countsOf((await merge(sql))!)).toEqual([2, 2, 0, 0, 0]);
    });

    test("not when a chunk of its own stream between is not in it", async () => {
        await stageFile(sql, [event(1)]);
        const failed = await stageFile(sql, [event(2)]);
        await stageFile(sql, [event(3)]);
        await sql`update ingest.chunks set state = 'failed' where chunk_id = ${failed.chunkId}`;
        expect(await isRange()).toBe(false);
        expect(countsOf((await merge(sql))!)).toEqual([2, 2, 0, 0, 0]);
    });

    test("not when a number between is of no chunk: a load may have left rows under it", async () => {
        const first = await stageFile(sql, [event(1)]);
        const { chunkIds } = await beginLoad(sql, 1);
        await insertStaged(sql, { loadId: first.loadId, chunkId: chunkIds[0]! }, [event(2)]);
        await stageFile(sql, [event(3)]);
        expect(await isRange()).toBe(false);
        expect(countsOf((await merge(sql))!)).toEqual([2, 2, 0, 0, 0]);
    });

    test("not when far more lies between than it has", async () => {
        await stageFile(sql, [event(1)]);
        for (let no = 0; no < 130; no++) await stageFile(sql, [event(no)], other);
        await stageFile(sql, [event(2)]);
        expect(await isRange()).toBe(false);
    });
});

test("slices are locked by stream", async () => {
    await sql.begin(async (holder) => {
        expect([...(await holder`select ingest.lock_slices(1::smallint, 7) as slices`)]).toEqual([{ slices: 7 }]);
        expect([...(await sql`select ingest.lock_slices(1::smallint, 15) as slices`)]).toEqual([{ slices: 8 }]);
        expect((await mergeFile(sql, [event(1)])).batch.slices).toBe(allSlices);
    });
});

test("sums are kept by stream, a prune takes from each its own, and every check passes", async () => {
    const foreign = await stageFile(sql, [event(1), event(2), event(3)], other);
    await sql.begin(async (theirs) => {
        await theirs.unsafe(`
            insert into ingest.batches (
                stream_id, batch_key, worker_id, slices, chunks, read, inserted, duplicate, conflict, rejected,
                started_at, finished_at, duration_ms
            )
            values (1, gen_random_uuid(), gen_random_uuid(), 65535, 1, 3, 1, 0, 1, 1, now(), now(), '{}');
            insert into ingest.chunk_merges (chunk_id, batch_id, slices, read, inserted, duplicate, conflict, rejected)
            select ${foreign.chunkId}, batch_id, 65535, 3, 1, 0, 1, 1 from ingest.batches;
            insert into ingest.rejects (stream_id, chunk_id, record_no, batch_id, kind, reasons, record)
            select 1, ${foreign.chunkId}, 2, batch_id, 'rejected', array['total_invalid'], jsonb '{}' from ingest.batches
            union all
            select 1, ${foreign.chunkId}, 3, batch_id, 'conflict', array['order_id_conflict'], '{}' from ingest.batches;
            update ingest.chunks set state = 'merged', merged_slices = 65535, merged_at = now() - interval '2 days'
            where chunk_id = ${foreign.chunkId};
            update ingest.files set state = 'merged' where file_id = ${foreign.fileId};
            select ingest.update_totals(batches) from ingest.batches;
            update ingest.batches set finished_at = now() - interval '2 days';`);
    });
    const { counts } = await mergeFile(sql, [event(1), event(1), event(2, { price: "dear" })]);
    expect(counts).toEqual([3, 1, 1, 0, 1]);

    const totals = async () => [
        ...(await sql`select stream_id as stream, batches, read, inserted from ingest.totals order by stream_id`),
    ];
    const sums = [
        { stream: 0, batches: 1, read: 3, inserted: 1 },
        { stream: 1, batches: 1, read: 3, inserted: 1 },
    ];
    expect(await totals()).toEqual(sums);
    const rejects = async () => [
        ...(await sql`
            select stream_id as stream, sum(rejects) as rejects from ingest.reject_stats
            where reason = '' group by stream_id order by stream_id`),
    ];
    expect(await rejects()).toEqual([
        { stream: 0, rejects: "1" },
        { stream: 1, rejects: "2" },
    ]);
    const files = await sql`
        select stream_id as stream, state, files from ingest.counted_files where files <> 0 order by stream_id`;
    expect([...files]).toEqual([
        { stream: 0, state: "merged", files: 1 },
        { stream: 1, state: "merged", files: 1 },
    ]);
    expect(await failedChecks()).toEqual([]);

    await sql.begin(async (pruning) => {
        await pruning`select ingest.prune_chunks(now() - interval '1 day', 0, 1000)`;
        await pruning`select ingest.prune_batches(now() - interval '1 day', 0, 1000)`;
        await pruning`select pg_advisory_unlock_all()`;
    });
    expect(await rejects()).toEqual([{ stream: 0, rejects: "1" }]);
    expect([...(await sql`select stream_id as stream, read from ingest.pruned_totals`)]).toEqual([
        { stream: 1, read: 3 },
    ]);
    expect(await totals()).toEqual(sums);
    expect(await failedChecks()).toEqual([]);
});
