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
    type StagedRow,
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

describe("a duplicate says what is stored, in whatever spelling; a conflict says something else", () => {
    const base: StagedRow = {
        event_type: "purchase",
        product_id: "p1",
        user_id: "u1",
        event_timestamp: "2024-05-01 10:00:00",
        quantity: "2",
        price: "0.5",
        attributes: '{"a": "1", "b": "2"}',
    };

    test.each<[column: keyof StagedRow, same: (string | null)[], other: (string | null)[]]>([
        ["event_type", ["purchase", " purchase "], ["view"]],
        ["product_id", ["p1", "p1\t"], ["P1", "p1\u00a0", "p2"]],
        ["user_id", ["u1", "\vu1"], ["U1", "u1."]],
        [
            "event_timestamp",
            [
                "2024-05-01T10:00:00Z",
                "2024-05-01 12:00:00+02:00",
                "2024-05-01 10:00:00.000000",
                "2024-04-30 22:30:00-1130",
            ],
            ["2024-05-01 10:00:01", "2024-05-01 10:00:00.000001", "2024-05-01 10:00:00+01"],
        ],
        ["quantity", ["2", "002", " 2 "], ["3", "0", null, ""]],
        ["price", ["0.5", "0.50", "00.500", "\t0.5"], ["0.51", "0", "0.00", null, " "]],
        [
            "attributes",
            ['{"b": "2", "a": "1"}', '{"a":"1","b":"2"}'],
            ['{"a": "1"}', '{"a": "1", "b": "3"}', '{"a": "1", "b": "2", "c": "4"}', "{}", null],
        ],
    ])("in %s", async (column, same, other) => {
        await mergeFile(sql, [event(1, base)]);
        const rowsOf = (values: (string | null)[]) => values.map((value) => event(1, { ...base, [column]: value }));
        expect((await mergeFile(sql, rowsOf(same))).counts).toEqual([same.length, 0, same.length, 0, 0]);
        expect((await mergeFile(sql, rowsOf(other))).counts).toEqual([other.length, 0, 0, other.length, 0]);
    });

    test.each<[column: keyof StagedRow, zero: string]>([
        ["quantity", "0"],
        ["price", "0"],
        ["attributes", '{"a": "1"}'],
    ])("null in %s is the same as null, and other than a value", async (column, value) => {
        await mergeFile(sql, [event(1, { [column]: null })]);
        const empty = column === "attributes" ? "{}" : "";
        expect((await mergeFile(sql, [event(1, { [column]: null }), event(1, { [column]: empty })])).counts).toEqual([
            2, 0, 2, 0, 0,
        ]);
        expect((await mergeFile(sql, [event(1, { [column]: value })])).counts).toEqual([1, 0, 0, 1, 0]);
    });

    test("the id in capitals is the same id", async () => {
        await mergeFile(sql, [event(0xabc)]);
        const shouted = event(0xabc, { event_id: event(0xabc).event_id!.toUpperCase() });
        expect((await mergeFile(sql, [shouted])).counts).toEqual([1, 0, 1, 0, 0]);
    });

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
});
