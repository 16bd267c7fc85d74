/** Which of the records of an event_id is the event, and what the others are: promises 2, 3 and 10, in SQL. */
import { describe, expect, test } from "bun:test";
import { useEmptyDatabase } from "../support/fixture.ts";
import {
    countsOf,
    event,
    eventSources,
    merge,
    mergeFile,
    rejectRows,
    stageChunks,
    stageFile,
    tables,
} from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

const first = event(1, { user_id: "first" });
const second = event(1, { user_id: "second" });

describe("promise 10: the first record of an event_id is the event", () => {
    test("within a chunk", async () => {
        const { chunkId, counts } = await mergeFile(sql, [event(2), first, second, first, second]);
        expect(counts).toEqual([5, 2, 1, 2, 0]);
        expect(await eventSources(sql)).toEqual([
            { id: 1, chunkId, recordNo: 2 },
            { id: 2, chunkId, recordNo: 1 },
        ]);
        expect((await rejectRows(sql)).map(({ recordNo, kind }) => [recordNo, kind])).toEqual([
            [3, "conflict"],
            [5, "conflict"],
        ]);
    });

    test("across chunks of a batch, whatever the order in which their rows were staged and their loads ended", async () => {
        const earlier = await stageFile(sql, [second, event(2)]);
        const later = await stageFile(sql, [event(3), first]);
        // The rows of the later chunk stand first in the table.
        await sql`
            with moved as (delete from ingest.staging where load_id = ${earlier.loadId} returning *)
            insert into ingest.staging select * from moved`;
        expect(countsOf((await merge(sql))!)).toEqual([4, 3, 0, 1, 0]);
        expect((await eventSources(sql))[0]).toEqual({ id: 1, chunkId: earlier.chunkId, recordNo: 1 });
        expect((await rejectRows(sql)).map(({ chunkId, recordNo }) => [chunkId, recordNo])).toEqual([
            [later.chunkId, 2],
        ]);
    });

    test("across batches: what is stored stays, whatever comes later", async () => {
        await mergeFile(sql, [first]);
        const before = (await tables(sql)).events;
        expect((await mergeFile(sql, [second, first])).counts).toEqual([2, 0, 1, 1, 0]);
        expect((await mergeFile(sql, [first, first])).counts).toEqual([2, 0, 2, 0, 0]);
        expect((await tables(sql)).events).toEqual(before);
    });

    test("and a record that is rejected claims no event_id", async () => {
        const { chunkId, counts } = await mergeFile(sql, [event(1, { quantity: "-1" }), first, second]);
        expect(counts).toEqual([3, 1, 0, 1, 1]);
        expect(await eventSources(sql)).toEqual([{ id: 1, chunkId, recordNo: 2 }]);
    });

    test("in the order of records, not of their values: ten records of one id, one event, nine conflicts", async () => {
        const rivals = Array.from({ length: 10 }, (_, no) => event(1, { product_id: `p${9 - no}` }));
        expect((await mergeFile(sql, rivals)).counts).toEqual([10, 1, 0, 9, 0]);
        const [stored] = await sql`select product_id, record_no from events`;
        expect(stored).toEqual({ product_id: "p9", record_no: 1 });
    });
});

describe("promise 2: ingesting again", () => {
    test("changes nothing in events, however often and in whatever pieces", async () => {
        const rows = Array.from({ length: 40 }, (_, no) => event(no, { product_id: `p${no}` }));
        await mergeFile(sql, rows);
        const before = (await tables(sql)).events;
        expect((await mergeFile(sql, rows)).counts).toEqual([40, 0, 40, 0, 0]);
        await stageChunks(sql, [rows.slice(20).reverse(), rows.slice(0, 20), rows]);
        expect(countsOf((await merge(sql))!)).toEqual([80, 0, 80, 0, 0]);
        expect((await tables(sql)).events).toEqual(before);
    });
});

// Which values are the same and which are in conflict, column by column, is in tests/cases.

test("columns we don't know compare as what they are, whichever way and in whatever order they were staged", async () => {
    await mergeFile(sql, [event(1, { extra_1: "red", extra_2: "" })], { extraColumns: ["colour", "size"] });
    expect(
        (
            await mergeFile(
                sql,
                [
                    event(1, { extra_1: "XL", extra_2: "red" }),
                    event(1, { extra_1: "", extra_2: "red" }),
                    event(1, { extra_1: "", extra_2: " red" }),
                ],
                { extraColumns: ["size", "colour"] },
            )
        ).counts,
    ).toEqual([3, 0, 1, 2, 0]);
    expect((await mergeFile(sql, [event(1, { attributes: '{"colour":"red"}' }), event(1)])).counts).toEqual([
        2, 0, 1, 1, 0,
    ]);
});
