/** A merge that something ends before its end is halved, down to one slice of one chunk, and said; never repeated the same. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { meaningOf, sqlStateOf } from "../../src/database/sql-states.ts";
import { createBatchSize } from "../../src/ingest/batch-size.ts";
import { createMerger, type Merger } from "../../src/ingest/merge-batch.ts";
import { openTestIngest, type TestIngest } from "../ingest/ingest-context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { allSlices, chunkStates, event, stageFile } from "./ledger.ts";
import { closeSessions, openSession } from "./sessions.ts";

let database: TestDatabase;
let sql: Sql;
let ingest: TestIngest;
beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
    sql = database.sql;
    ingest = await openTestIngest(database);
    await sql`select ingest.retire_worker(${ingest.context.workerId})`;
    // An event takes ten milliseconds, whatever the machine's pace.
    await sql`
        create function public.take_time() returns trigger language plpgsql
        as 'begin perform pg_sleep(0.01); return null; end'`;
    await sql`create trigger take_time after insert on events for each row execute function public.take_time()`;
});
afterAll(async () => {
    await ingest.close();
    await database.drop();
});
beforeEach(async () => {
    await sql`select ingest.reset()`;
    ingest.lines.length = 0;
});
afterEach(closeSessions);

/** As survive() does, without its pauses. */
async function mergeAll(merger: Merger): Promise<{ cuts: string[]; reads: number[] }> {
    const cuts: string[] = [];
    const reads: number[] = [];
    while (cuts.length < 200) {
        try {
            const batch = await merger.merge(allSlices);
            if (batch === null) return { cuts, reads };
            reads.push(batch.read);
        } catch (error) {
            const meaning = meaningOf(error);
            if (meaning === "cut") cuts.push(sqlStateOf(error)!);
            else if (meaning !== "away") throw error;
        }
    }
    throw new Error("It does not end.");
}

const rows = (from: number, count: number) => Array.from({ length: count }, (_, index) => event(from + index));
const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

test("of many chunks: fewer at once, until all of them are in", async () => {
    for (let no = 0; no < 8; no += 1) await stageFile(sql, rows(no * 16, 16));
    const hurried = openSession(database);
    await hurried`set statement_timeout = '700ms'`;
    const { cuts, reads } = await mergeAll(createMerger({ ...ingest.context, sql: hurried }));

    expect(new Set(cuts)).toEqual(new Set(["57014"]));
    expect(sum(reads)).toBe(128);
    expect(await chunkStates(sql)).toEqual(Array.from({ length: 8 }, () => "merged"));
    expect((await sql`select count(*) from events`)[0]).toEqual({ count: 128 });
});

test("of one chunk: some of its slices at once, and it is said", async () => {
    await stageFile(sql, rows(1000, 160));
    const hurried = openSession(database);
    await hurried`set statement_timeout = '700ms'`;
    const { cuts, reads } = await mergeAll(createMerger({ ...ingest.context, sql: hurried }));

    expect(cuts.length).toBeGreaterThanOrEqual(2);
    expect(sum(reads)).toBe(160);
    expect(await chunkStates(sql)).toEqual(["merged"]);
    expect(ingest.lines[0]).toMatch(
        /^warn: A merge was ended before it was done \(57014: .*\); trying one chunk, 4 of 16 slices/,
    );
});

test("by a transaction_timeout, which ends the session too", async () => {
    const [row] = await sql`select current_setting('transaction_timeout', true) is not null as "known"`;
    if (!row!.known) return;
    await stageFile(sql, rows(2000, 160));
    const hurried = openSession(database);
    await sql.unsafe(`alter database ${database.target.database} set transaction_timeout = '700ms'`);
    const { cuts, reads } = await mergeAll(createMerger({ ...ingest.context, sql: hurried }));
    await sql.unsafe(`alter database ${database.target.database} reset transaction_timeout`);

    expect(new Set(cuts)).toEqual(new Set(["25P04"]));
    expect(sum(reads)).toBe(160);
    expect(await chunkStates(sql)).toEqual(["merged"]);
});

test("every wanted slice is in exactly one group, and no group waits for ever", () => {
    const size = createBatchSize();
    expect(size.sliceGroups(allSlices)).toEqual([allSlices]);
    for (let halving = 1; halving <= 4; halving += 1) {
        expect(size.halve(1)).toEqual({ chunks: 1, slices: 16 / 2 ** halving });
        const groups = size.sliceGroups(0b1010_1010_1111_0000);
        expect(groups.reduce((mask, group) => mask | group, 0)).toBe(0b1010_1010_1111_0000);
        expect(sum(groups)).toBe(0b1010_1010_1111_0000);
    }
    const [first] = size.sliceGroups(allSlices);
    size.passed(first!);
    expect(size.sliceGroups(allSlices)[0]).not.toBe(first!);
});

test("after merges that pass, more is taken again, up to all of it", () => {
    const size = createBatchSize();
    for (const tried of [8, 4, 2, 1, 1]) size.halve(tried);
    expect([size.maxChunks(), size.sliceGroups(allSlices).length]).toEqual([1, 4]);
    for (let pass = 0; pass < 2_000; pass += 1) size.passed(allSlices);
    expect(size.sliceGroups(allSlices)).toEqual([allSlices]);
    expect(size.maxChunks()).toBeGreaterThan(1_000_000);
});
