/** A merge that something ends before its end is halved, down to one slice of one chunk, and said; never repeated the same. */
import { beforeAll, beforeEach, expect, test } from "bun:test";
import { meaningOf, sqlStateOf } from "../../src/database/sql-states.ts";
import { createBatchSize } from "../../src/engine/merge/batch-size.ts";
import { createMerger, type Merger } from "../../src/engine/merge/merge-batch.ts";
import { useTestIngest } from "../ingest/ingest-context.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { allSlices, chunkStates, event, stageFile } from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const ingest = useTestIngest(database);
beforeAll(async () => {
    // A server that gives up on more than twenty events at once, whatever the machine's pace.
    await sql`create table public.give_up (state text)`;
    await sql`
        create function public.give_up() returns trigger language plpgsql as $$
        begin
            if (select count(*) from inserted) > 20 then
                raise exception 'too much' using errcode = (select state from public.give_up);
            end if;
            return null;
        end $$`;
    await sql`
        create trigger give_up after insert on events
        referencing new table as inserted for each statement execute function public.give_up()`;
});
beforeEach(async () => {
    await sql`truncate public.give_up`;
});

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

// A time-out, an operator or a proxy; a transaction_timeout; no memory; a temp_file_limit.
const states = ["57014", "25P04", "53200", "53400"];

test.each(states)("of many chunks (%s): fewer at once, until all of them are in", async (state) => {
    await sql`insert into public.give_up values (${state})`;
    for (let no = 0; no < 8; no += 1) await stageFile(sql, rows(no * 16, 16));
    const { cuts, reads } = await mergeAll(createMerger(ingest.context));

    expect(new Set(cuts)).toEqual(new Set([state]));
    expect(sum(reads)).toBe(128);
    expect(await chunkStates(sql)).toEqual(Array.from({ length: 8 }, () => "merged"));
    expect((await sql`select count(*) from events`)[0]).toEqual({ count: 128 });
});

test.each(states)("of one chunk (%s): some of its slices at once, and it is said", async (state) => {
    await sql`insert into public.give_up values (${state})`;
    await stageFile(sql, rows(1000, 80));
    const { cuts, reads } = await mergeAll(createMerger(ingest.context));

    expect(cuts.length).toBeGreaterThanOrEqual(2);
    expect(sum(reads)).toBe(80);
    expect(await chunkStates(sql)).toEqual(["merged"]);
    expect(ingest.lines[0]).toMatch(
        /^warn: A merge was ended before it was done \(\w{5}: .*\); trying one chunk, 4 of 16 slices/,
    );
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
