/** Promise 5: the staging table owes nothing. What it lost is noticed, staged again, and merged as if nothing had been. */
import { describe, expect, test } from "bun:test";
import { useEmptyDatabase } from "../support/fixture.ts";
import {
    allSlices,
    beginLoad,
    chunkRecord,
    chunkRows,
    chunkStates,
    countsOf,
    event,
    eventSources,
    fileStates,
    insertStaged,
    merge,
    mergeOnce,
    recordLoad,
    registerFile,
    type Staged,
    type StagedRow,
    stageAgain,
    stageChunks,
    stageFile,
    tables,
    takeLease,
} from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

/** Empties the table, as a crash of the server empties an UNLOGGED one. */
const crash = () => sql`truncate ingest.staging`;
const lose = (loadId: number, recordNo?: number) =>
    recordNo === undefined
        ? sql`delete from ingest.staging where load_id = ${loadId}`
        : sql`delete from ingest.staging where load_id = ${loadId} and record_no = ${recordNo}`;

/** Files of a chunk each, staged by one load. */
async function stageTogether(files: StagedRow[][]): Promise<Staged[]> {
    await takeLease(sql);
    const { loadId, chunkIds } = await beginLoad(sql, files.length);
    const staged: Staged[] = [];
    for (const [index, rows] of files.entries()) {
        const chunkId = chunkIds[index]!;
        const fileId = await registerFile(sql, `together-${index}.csv`);
        await insertStaged(sql, { loadId, chunkId }, rows);
        staged.push({ fileId, chunkId, loadId, rows, record: chunkRecord({ chunkId, fileId }, rows) });
    }
    const records = staged.map(({ record }) => record);
    await recordLoad(sql, loadId, records);
    return staged;
}

describe("promise 5: a chunk whose staged rows are missing", () => {
    test("goes back to pending in the batch that misses them, while those before it are merged", async () => {
        const [kept, lost, behind] = await stageChunks(sql, [[event(1)], [event(2), event(3)], [event(4)]]);
        await lose(lost!.loadId);
        expect(await merge(sql)).toMatchObject({ chunks: 1, read: 1, inserted: 1 });
        expect(await chunkRows(sql)).toMatchObject([
            { chunkId: kept!.chunkId, state: "merged" },
            { chunkId: lost!.chunkId, state: "pending", loadId: null, mergedSlices: 0, attempts: 0 },
            { chunkId: behind!.chunkId, state: "staged", mergedSlices: 0 },
        ]);
        expect(await fileStates(sql)).toEqual(["loaded"]);
        await stageAgain(sql, lost!);
        expect(await merge(sql)).toMatchObject({ chunks: 2, read: 3 });
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test("goes back also when only one of its rows is missing, or one is there too many", async () => {
        const fewer = await stageFile(sql, [event(1), event(2)]);
        const more = await stageFile(sql, [event(3), event(4)]);
        await lose(fewer.loadId, 2);
        await insertStaged(sql, { ...more, firstRecordNo: 3 }, [event(5)]);
        expect(await merge(sql)).toBeNull();
        expect(await chunkStates(sql)).toEqual(["pending", "pending"]);
        expect(await eventSources(sql)).toEqual([]);
    });

    test("is known to be lost even if the batch has no other chunk: the answer is nothing, the state is committed", async () => {
        await stageFile(sql, [event(1)]);
        await crash();
        expect(await merge(sql)).toBeNull();
        expect(await chunkStates(sql)).toEqual(["pending"]);
        const [row] = await sql`select count(*) as batches from ingest.batches`;
        expect(row).toEqual({ batches: 0 });
    });

    test("keeps the slices that are merged: staged again, only the others are", async () => {
        const staged = await stageFile(sql, [event(0), event(1), event(2)]);
        await merge(sql, { slices: 0b11 });
        await crash();
        expect(await merge(sql)).toBeNull();
        expect(await chunkRows(sql)).toMatchObject([{ state: "pending", mergedSlices: 0b11 }]);
        await stageAgain(sql, staged);
        expect(countsOf((await merge(sql))!)).toEqual([1, 1, 0, 0, 0]);
        expect(await chunkRows(sql)).toMatchObject([{ state: "merged", mergedSlices: allSlices }]);
    });

    test("without a record cannot lose any", async () => {
        await stageFile(sql, []);
        await crash();
        expect(await merge(sql)).toMatchObject({ chunks: 1, read: 0 });
    });
});

describe("promise 10: a chunk that waits to be staged again", () => {
    test("holds back those that come after it, so that a crash does not change the order", async () => {
        const first = await stageFile(sql, [event(1, { user_id: "first" })]);
        await crash();
        await merge(sql);
        const second = await stageFile(sql, [event(1, { user_id: "second" })]);
        expect(await merge(sql)).toBeNull();
        await stageAgain(sql, first);
        expect(countsOf((await merge(sql))!)).toEqual([2, 1, 0, 1, 0]);
        expect(await eventSources(sql)).toEqual([{ id: 1, chunkId: first.chunkId, recordNo: 1 }]);
        expect(second.chunkId).toBeGreaterThan(first.chunkId);
    });

    test("holds them back also from a merge that has chosen them when another one finds it lost", async () => {
        await stageChunks(sql, [[event(1)], [event(1, { user_id: "second" })]]);
        const parameters =
            "this_stream smallint, locked_slices integer, records bigint, chunks integer, only_chunk bigint";
        await sql.unsafe(`
            alter function ingest.choose_chunks rename to choose_chunks_alone;
            create function ingest.choose_chunks(${parameters}) returns bigint[] language plpgsql as $$
            declare
                chosen constant bigint[] :=
                    ingest.choose_chunks_alone(this_stream, locked_slices, records, chunks, only_chunk);
            begin
                update ingest.chunks set state = 'pending', load_id = null where chunk_id = chosen[1];
                return chosen;
            end
            $$`);
        try {
            expect(await merge(sql)).toBeNull();
            expect(await chunkStates(sql)).toEqual(["pending", "staged"]);
        } finally {
            await sql.unsafe(`
                drop function ingest.choose_chunks;
                alter function ingest.choose_chunks_alone rename to choose_chunks`);
        }
    });

    test("holds nobody back in slices that are merged already", async () => {
        const staged = await stageFile(sql, [event(0), event(1)]);
        await merge(sql, { slices: 0b1 });
        await lose(staged.loadId);
        await merge(sql);
        await stageFile(sql, [event(16), event(17)]);
        expect(await merge(sql, { slices: 0b1 })).toMatchObject({ read: 1, inserted: 1 });
        expect((await eventSources(sql)).map(({ id }) => id)).toEqual([0, 16]);
        expect(await merge(sql)).toBeNull();
        await stageAgain(sql, staged);
        expect(await merge(sql)).toMatchObject({ chunks: 2, read: 2 });
    });

    test("holds nobody back once it could not be staged again: what is good goes on", async () => {
        const staged = await stageFile(sql, [event(1)]);
        await crash();
        await merge(sql);
        await stageFile(sql, [event(2)]);
        await sql`select ingest.fail_chunk(${staged.chunkId}, 'file_unreadable', 'It cannot be read.', interval '1 hour')`;
        expect(await chunkStates(sql)).toEqual(["pending", "staged"]);
        expect(await merge(sql)).toMatchObject({ chunks: 1, inserted: 1 });
        await stageAgain(sql, staged);
        expect(await merge(sql)).toMatchObject({ chunks: 1, inserted: 1 });
        expect(await fileStates(sql)).toEqual(["merged", "merged"]);
    });
});

describe("promise 5: staged rows", () => {
    test("of a load that no chunk names do not count", async () => {
        const staged = await stageFile(sql, [event(1)]);
        const { loadId } = await beginLoad(sql);
        await insertStaged(sql, { loadId, chunkId: staged.chunkId }, [event(2)]);
        // At once: a killed loader leaves such rows, and they are no reason to count.
        expect(countsOf((await mergeOnce(sql))!)).toEqual([1, 1, 0, 0, 0]);
        expect((await eventSources(sql)).map(({ id }) => id)).toEqual([1]);
    });

    test("that are staged again count once, though the first ones are still there", async () => {
        const staged = await stageFile(sql, [event(1), event(2)]);
        await lose(staged.loadId, 2);
        await merge(sql);
        await stageAgain(sql, staged);
        expect(countsOf((await merge(sql))!)).toEqual([2, 2, 0, 0, 0]);
    });

    test("that are staged again count once, though the first ones are still there beside another chunk of the batch", async () => {
        const rows = [event(1), event(2), event(3, { event_type: "nope" }), event(2), event(1, { user_id: "other" })];
        const [lost] = await stageTogether([rows, [event(4)]]);
        await sql`delete from ingest.staging where chunk_id = ${lost!.chunkId} and record_no = 1`;
        expect(await merge(sql)).toBeNull();
        await stageAgain(sql, lost!);
        expect(countsOf((await merge(sql))!)).toEqual([6, 3, 1, 1, 1]);
        expect((await eventSources(sql)).map(({ id }) => id)).toEqual([1, 2, 4]);
    });

    test("should fail: bytes that are staged again and are others than before", async () => {
        const staged = await stageFile(sql, [event(1)]);
        await crash();
        await merge(sql);
        for (const other of [{ contentHash: "another hash" }, { records: 2 }]) {
            await expect(stageAgain(sql, { ...staged, record: { ...staged.record, ...other } })).rejects.toMatchObject({
                code: "SL001",
            });
        }
        expect(await chunkStates(sql)).toEqual(["pending"]);
        await stageAgain(sql, staged);
        expect(await merge(sql)).toMatchObject({ inserted: 1 });
    });

    test("should fail: a chunk is staged again that does not wait for it", async () => {
        const staged = await stageFile(sql, [event(1)]);
        await expect(stageAgain(sql, staged)).rejects.toMatchObject({ code: "SL001" });
        await merge(sql);
        await expect(stageAgain(sql, staged)).rejects.toMatchObject({ code: "SL001" });
        expect(await chunkStates(sql)).toEqual(["merged"]);
    });

    test("lost at any moment, come to what an undisturbed run comes to", async () => {
        const chunks = Array.from({ length: 5 }, (_, chunk) =>
            Array.from({ length: 20 }, (_, no) => event(no, { user_id: `u${(no * chunk) % 3}` })),
        );
        await stageChunks(sql, chunks);
        await merge(sql);
        const undisturbed = await tables(sql);

        for (const crashAfter of [0, 1, 2, 3, 4]) {
            await sql`select ingest.reset()`;
            const staged = await stageChunks(sql, chunks);
            for (let step = 0; step < crashAfter; step += 1)
                await merge(sql, { maxChunks: 1, slices: step % 2 === 0 ? 0xff : allSlices });
            await crash();
            for (let round = 0; (await chunkStates(sql)).some((state) => state !== "merged"); round += 1) {
                if (round > 10) throw new Error("It does not converge.");
                await merge(sql);
                const pending = (await chunkRows(sql)).filter(({ state }) => state === "pending");
                for (const { chunkId } of pending)
                    await stageAgain(sql, staged.find((one) => one.chunkId === chunkId)!);
            }
            expect(await tables(sql)).toEqual(undisturbed);
        }
    });
});

test("a load without a chunk, of files that had no finished record, is as good as none", async () => {
    await stageFile(sql, [event(1)]);
    const { loadId } = await beginLoad(sql);
    await recordLoad(sql, loadId, []);
    expect(await merge(sql)).toMatchObject({ chunks: 1 });
});
