/** Promise 1, in SQL: read = inserted + duplicate + conflict + rejected, for every chunk, or nothing happened. */
import { describe, expect, test } from "bun:test";
import { useEmptyDatabase } from "../support/fixture.ts";
import {
    allSlices,
    chunkRows,
    chunkStates,
    countsOf,
    event,
    fileStates,
    idOf,
    merge,
    problem,
    rejectRows,
    stageChunks,
    stageFile,
    tables,
} from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

/** One of each kind, twice the duplicate: 6 read = 2 inserted + 2 duplicate + 1 conflict + 1 rejected. */
const mixed = (no: number) => [
    event(no),
    event(no),
    event(no, { user_id: "other" }),
    event(no, { quantity: "-1" }),
    event(no + 1),
    event(no),
];

describe("promise 1: what a merge counts", () => {
    test("adds up, for the batch and for each of its chunks", async () => {
        const first = await stageFile(sql, mixed(1));
        const second = await stageFile(sql, [event(1), event(3), problem("nul_byte")]);
        const batch = (await merge(sql))!;
        expect(batch).toMatchObject({ chunks: 2, slices: allSlices });
        expect(countsOf(batch)).toEqual([9, 3, 3, 1, 2]);
        const merges = await sql`
            select chunk_id, slices, read, inserted, duplicate, conflict, rejected
            from ingest.chunk_merges order by chunk_id`.values();
        expect([...merges]).toEqual([
            [first.chunkId, allSlices, 6, 2, 2, 1, 1],
            [second.chunkId, allSlices, 3, 1, 1, 0, 1],
        ]);
        expect(await chunkRows(sql)).toMatchObject([
            { state: "merged", mergedSlices: allSlices },
            { state: "merged", mergedSlices: allSlices },
        ]);
        expect(await fileStates(sql)).toEqual(["merged", "merged"]);
    });

    test("is nothing when nothing is staged, and no batch is written", async () => {
        expect(await merge(sql)).toBeNull();
        const [row] = await sql`select count(*) as batches from ingest.batches`;
        expect(row).toEqual({ batches: 0 });
    });

    test("of a chunk without a record is 0, and the chunk and its file are merged", async () => {
        await stageFile(sql, []);
        expect(countsOf((await merge(sql))!)).toEqual([0, 0, 0, 0, 0]);
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged"], ["merged"]]);
        expect(await merge(sql)).toBeNull();
    });

    test("of slices without a record is 0, and adds up over the slices", async () => {
        await stageFile(sql, [event(0x10), event(0x20), event(0x31)]);
        expect(countsOf((await merge(sql, { slices: 0b1 }))!)).toEqual([2, 2, 0, 0, 0]);
        expect(countsOf((await merge(sql, { slices: 0b100 }))!)).toEqual([0, 0, 0, 0, 0]);
        expect(await chunkRows(sql)).toMatchObject([{ state: "staged", mergedSlices: 0b101 }]);
        expect(await merge(sql, { slices: 0b101 })).toBeNull();
        expect(countsOf((await merge(sql))!)).toEqual([1, 1, 0, 0, 0]);
        expect(await chunkStates(sql)).toEqual(["merged"]);
    });

    test("takes batches of whole chunks, as many as fit, and at least one", async () => {
        for (const no of [1, 2, 3]) await stageFile(sql, [event(no), event(no + 16)]);
        expect((await merge(sql, { maxRecords: 4 }))!).toMatchObject({ chunks: 2, read: 4 });
        expect((await merge(sql, { maxRecords: 1 }))!).toMatchObject({ chunks: 1, read: 2 });
        for (const no of [4, 5, 6]) await stageFile(sql, [event(no)]);
        expect((await merge(sql, { maxChunks: 2 }))!).toMatchObject({ chunks: 2, read: 2 });
        expect((await merge(sql, { maxChunks: 2 }))!).toMatchObject({ chunks: 1, read: 1 });
    });

    test("is written once: a merged chunk is not merged again", async () => {
        await stageFile(sql, mixed(1));
        await merge(sql);
        const before = await tables(sql);
        expect(await merge(sql)).toBeNull();
        expect(await tables(sql)).toEqual(before);
    });
});

describe("promise 3: what is not inserted", () => {
    test("can be found: the chunk, the record number, its raw values, every reason", async () => {
        const { chunkId } = await stageFile(sql, [
            event(1, { event_id: " x ", quantity: "many", price: "-1" }),
            event(2),
            event(2, { price: "0.01" }),
        ]);
        await merge(sql);
        expect(await rejectRows(sql)).toEqual([
            {
                chunkId,
                recordNo: 1,
                kind: "rejected",
                reasons: ["event_id_invalid", "quantity_invalid", "price_negative"],
                record: { ...event(1), event_id: " x ", quantity: "many", price: "-1" } as Record<string, string>,
            },
            {
                chunkId,
                recordNo: 3,
                kind: "conflict",
                reasons: ["event_id_conflict"],
                record: { ...event(2), price: "0.01" } as Record<string, string>,
            },
        ]);
    });

    test("and could not be split into values has its text, line and byte", async () => {
        await stageFile(sql, [problem("stray_quote", 'a"b')]);
        await merge(sql);
        const [reject] = await sql`select reasons, record, raw_text, line_no, byte_offset from ingest.rejects`;
        expect(reject).toEqual({
            reasons: ["stray_quote"],
            record: null,
            raw_text: 'a"b',
            line_no: 2,
            byte_offset: 70,
        });
    });

    test("keeps the values of columns we don't know, whichever way they were staged", async () => {
        await stageFile(sql, [event(1, { quantity: "x", extra_1: "red", extra_2: "" })], {
            extraColumns: ["colour", "size"],
        });
        await stageFile(sql, [event(2, { quantity: "x", attributes: '{"colour": "red"}' })], {
            extraColumns: ["colour", "size"],
        });
        await merge(sql);
        expect((await rejectRows(sql)).map(({ record }) => record)).toEqual([
            { ...event(1), quantity: "x", colour: "red" } as Record<string, string>,
            { ...event(2), quantity: "x", colour: "red" } as Record<string, string>,
        ]);
    });
});

describe("promise 1: a merge whose counts do not add up", () => {
    /** Says of the chunk that it has one record fewer than it has, once its rows have been counted. */
    async function tamper(chunkId: number, records: number): Promise<void> {
        await sql`update ingest.chunks set records = ${records} where chunk_id = ${chunkId}`;
    }

    test("should fail: the slices of a chunk come to more than its records, and nothing is committed", async () => {
        const { chunkId } = await stageFile(sql, mixed(0));
        await merge(sql, { slices: 0b1 });
        const before = await tables(sql);
        // The rows are still as many as the load said; what the first slice read says otherwise.
        await sql`update ingest.chunk_merges set read = read + 1, inserted = inserted + 1 where chunk_id = ${chunkId}`;
        await expect(merge(sql, { slices: 0b10 })).resolves.toMatchObject({ read: 1 });
        await expect(merge(sql)).rejects.toMatchObject({ code: "SL002" });
        await sql`update ingest.chunk_merges set read = read - 1, inserted = inserted - 1 where slices = 1`;
        await merge(sql);
        expect((await tables(sql)).events).toHaveLength(2);
        expect(before.events).toHaveLength(1);
    });

    test("should fail: the ledger's number of records is changed in mid-slices, and the merge that finishes the chunk sees it", async () => {
        const { chunkId, loadId } = await stageFile(sql, mixed(0));
        await merge(sql, { slices: 0b1 });
        await tamper(chunkId, 5);
        await sql`delete from ingest.staging where load_id = ${loadId} and record_no = 1`;
        const before = await tables(sql);
        await expect(merge(sql)).rejects.toMatchObject({ code: "SL002" });
        expect(await tables(sql)).toEqual(before);
    });

    test("should fail: a record gets lost between two passes, and nothing is committed", async () => {
        // A trigger on events, in the middle of the merge, takes away a row that was counted before and is refused after.
        await sql.unsafe(`
            create function lose_a_row() returns trigger language plpgsql as $$
            begin
                delete from ingest.staging where event_id = '${idOf(1)}';
                return null;
            end $$;
            create trigger lose_a_row after insert on public.events for each statement execute function lose_a_row();`);
        try {
            await stageFile(sql, [event(1, { quantity: "x" }), event(2), event(3)]);
            const before = await tables(sql);
            await expect(merge(sql)).rejects.toMatchObject({ code: "SL002" });
            expect(await tables(sql)).toEqual(before);
            const [staged] = await sql`select count(*) as rows from ingest.staging`;
            expect(staged).toEqual({ rows: 3 });
        } finally {
            await sql.unsafe("drop function lose_a_row cascade");
        }
        expect(countsOf((await merge(sql))!)).toEqual([3, 2, 0, 0, 1]);
    });
});

describe("a file", () => {
    test("is merged when all of its chunks are, and not before", async () => {
        await stageChunks(sql, [[event(1)], [event(2)], [event(3)]]);
        expect(await fileStates(sql)).toEqual(["loaded"]);
        await merge(sql, { maxChunks: 2 });
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged", "merged", "staged"], ["loaded"]]);
        await merge(sql);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test("that is still being loaded stays pending when what there is of it is merged", async () => {
        const { fileId } = await stageFile(sql, [event(1)], { atEnd: false });
        await merge(sql);
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged"], ["pending"]]);
        await stageFile(sql, [event(2)], { fileId, firstRecordNo: 2 });
        await merge(sql);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test("is shown by the checkpoint with the bytes and records that are committed", async () => {
        await stageChunks(sql, [[event(1), event(2)], [event(3)]]);
        await merge(sql, { maxChunks: 1 });
        const [row] =
            await sql`select state, committed_bytes, committed_records, loaded_bytes, loaded_records from ingest.checkpoint`;
        expect(row).toEqual({
            state: "loaded",
            committed_bytes: 20,
            committed_records: "2",
            loaded_bytes: 30,
            loaded_records: 3,
        });
    });
});

describe("promise 4: a batch", () => {
    test("commits whole or not at all: nothing of a merge that raises at its very end is to be seen", async () => {
        await sql`alter table ingest.event_stats add constraint fails_at_the_end check (events < 3)`;
        try {
            await stageFile(sql, [event(1), event(2)]);
            await merge(sql);
            await stageFile(sql, [event(2), event(2, { user_id: "x" }), event(3), event(4, { price: "x" })]);
            const before = await tables(sql);
            await expect(merge(sql)).rejects.toMatchObject({ code: "23514" });
            expect(await tables(sql)).toEqual(before);
            const [batches] = await sql`select count(*) as batches from ingest.batches`;
            expect(batches).toEqual({ batches: 1 });
        } finally {
            await sql`alter table ingest.event_stats drop constraint fails_at_the_end`;
        }
        expect(countsOf((await merge(sql))!)).toEqual([4, 1, 1, 1, 1]);
    });
});
