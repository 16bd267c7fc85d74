/** Merges beside each other: the key space in sixteen slices, each merged once a chunk, in any order, by anybody. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { useEmptyDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { runsOf } from "../support/sample.ts";
import { meet, openSession, whenWaiting } from "../support/sessions.ts";
import {
    allSlices,
    chunkRows,
    countsOf,
    event,
    eventSources,
    fileStates,
    merge,
    problem,
    type StagedRow,
    stageChunks,
    stageFile,
    tables,
} from "./ledger.ts";

/** More find more: 500 take a minute and a half. */
const runs = runsOf(40, 10);

// Against a hang: with thirty processes on two cores these forty take more than a minute.
setDefaultTimeout(testTimeoutMs);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

const recentMoment = new Date(Date.now() - 3_600_000).toISOString();

/** Few ids, so that records meet across chunks. */
const anyRow: fc.Arbitrary<StagedRow> = fc.oneof(
    {
        weight: 8,
        arbitrary: fc
            .record({
                no: fc.nat(40),
                user_id: fc.constantFrom("u1", "u1", "u1", "u2", ""),
                event_type: fc.constantFrom("view", "purchase"),
                quantity: fc.constantFrom("0", "2", "-1"),
                price: fc.constantFrom("0", "1.5"),
                event_timestamp: fc.constantFrom("2024-05-01 10:00:00", recentMoment),
            })
            .map(({ no, ...values }) => event(no, values)),
    },
    {
        weight: 1,
        arbitrary: fc.constantFrom(
            problem("stray_quote"),
            event(1, { event_id: "none" }),
            event(1, { event_id: null }),
        ),
    },
);
const anyChunks = fc.array(fc.array(anyRow, { maxLength: 12 }), { minLength: 1, maxLength: 4 });

/** The sixteen slices in groups, in any order. */
const anyPartition = fc
    .tuple(
        fc.shuffledSubarray(
            Array.from({ length: 16 }, (_, slice) => slice),
            { minLength: 16 },
        ),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 16, maxLength: 16 }),
    )
    .map(([order, sizes]) => {
        const groups: number[] = [];
        for (let at = 0, group = 0; at < 16; at += sizes[group]!, group += 1) {
            groups.push(order.slice(at, at + sizes[group]!).reduce((mask, slice) => mask | (1 << slice), 0));
        }
        return groups;
    });

describe("promise 10: slices", () => {
    test("merged apart, in any order and any batches, come to the same as merged all at once", async () => {
        const batchSizes = fc.record({
            maxChunks: fc.integer({ min: 1, max: 4 }),
            maxRecords: fc.integer({ min: 1, max: 40 }),
        });
        await fc.assert(
            fc.asyncProperty(
                anyChunks,
                anyPartition,
                batchSizes,
                fc.boolean(),
                async (chunks, groups, sizes, inTurns) => {
                    await sql`select ingest.reset()`;
                    await stageChunks(sql, chunks);
                    await merge(sql);
                    const atOnce = await tables(sql);

                    await sql`select ingest.reset()`;
                    await stageChunks(sql, chunks);
                    // Either one group to its end and then the next, or one batch of each in turns.
                    let open = groups;
                    while (open.length > 0) {
                        const [next, ...others] = open;
                        const batch = await merge(sql, { slices: next!, ...sizes });
                        if (batch === null) open = others;
                        else if (inTurns) open = [...others, next!];
                    }
                    expect(await tables(sql)).toEqual(atOnce);
                },
            ),
            { numRuns: runs },
        );
    });

    test("are merged once a chunk: the mask says which, and the same slice again is nothing to do", async () => {
        await stageFile(sql, [event(0), event(1), event(2)]);
        for (const slice of [3, 1, 15]) {
            expect(await merge(sql, { slices: 1 << slice })).toMatchObject({ slices: 1 << slice, chunks: 1 });
            expect(await merge(sql, { slices: 1 << slice })).toBeNull();
        }
        expect(await chunkRows(sql)).toMatchObject([{ state: "staged", mergedSlices: 0b1000_0000_0000_1010 }]);
        expect(await merge(sql)).toMatchObject({ read: 2 });
        expect(await chunkRows(sql)).toMatchObject([{ state: "merged", mergedSlices: allSlices }]);
    });

    test("count what they read, and what could not be split counts in the slice that the loader told", async () => {
        await stageFile(sql, [problem("nul_byte"), event(1, { event_id: "5" }), event(5)]);
        expect(countsOf((await merge(sql, { slices: 1 }))!)).toEqual([1, 0, 0, 0, 1]);
        expect(countsOf((await merge(sql, { slices: 1 << 5 }))!)).toEqual([2, 1, 0, 0, 1]);
        expect(countsOf((await merge(sql))!)).toEqual([0, 0, 0, 0, 0]);
    });

    test("keep the order of chunks each on its own: a slice may be ahead of another", async () => {
        const chunks = await stageChunks(sql, [
            [event(1, { user_id: "a" }), event(2, { user_id: "a" })],
            [event(1, { user_id: "b" }), event(2, { user_id: "b" })],
        ]);
        await merge(sql, { slices: 0b10, maxChunks: 2 });
        await merge(sql, { slices: allSlices, maxChunks: 1 });
        await merge(sql);
        const [first] = chunks;
        expect(await eventSources(sql)).toEqual([
            { id: 1, chunkId: first!.chunkId, recordNo: 1 },
            { id: 2, chunkId: first!.chunkId, recordNo: 2 },
        ]);
    });
});

describe("two merges at once", () => {
    const evens = 0x5555;
    const odds = 0xaaaa;
    /** A record in each slice. */
    const sixteen = Array.from({ length: 16 }, (_, no) => event(no));
    /** The answer of a merge of the odd slices that waits for one of the even ones. */
    const meetInChunk = (ending: "commit" | "rollback") =>
        meet(
            database,
            (session) => merge(session, { slices: evens }),
            () => merge(openSession(database), { slices: odds }),
            ending,
        );
    /** Chunks that have all of their ids in common. */
    const shared = () =>
        stageChunks(sql, [
            Array.from({ length: 48 }, (_, no) => event(no)),
            Array.from({ length: 48 }, (_, no) => event(no, { user_id: no % 3 === 0 ? "other" : "u1" })),
        ]);

    test("of other slices do not wait for each other, though their chunks share every event_id", async () => {
        // The first merge stops in its middle, its events written and not committed, until the lock is given back.
        await sql.unsafe(`
            create function stop_in_the_middle() returns trigger language plpgsql as $$
            begin
                if current_setting('application_name') = 'first' then
                    perform pg_advisory_xact_lock(1);
                end if;
                return null;
            end $$;
            create trigger stop_in_the_middle before insert on ingest.chunk_merges
                for each statement execute function stop_in_the_middle();`);
        try {
            await shared();
            const gate = openSession(database, "gate");
            await gate`select pg_advisory_lock(1)`;
            const first = merge(openSession(database, "first"), { slices: evens });
            await whenWaiting(sql);

            const second = openSession(database, "second");
            await second`set statement_timeout = '5s'`;
            expect(countsOf((await merge(second, { slices: odds }))!)).toEqual([48, 24, 16, 8, 0]);
            expect((await eventSources(sql)).length).toBe(24);

            await gate`select pg_advisory_unlock(1)`;
            expect(countsOf((await first)!)).toEqual([48, 24, 16, 8, 0]);
            expect((await chunkRows(sql)).map(({ state }) => state)).toEqual(["merged", "merged"]);
        } finally {
            await sql`drop function stop_in_the_middle cascade`;
        }
    });

    test("of the same slices do not wait either: the second finds nothing to do, or takes what is free", async () => {
        await shared();
        const first = openSession(database);
        await first`begin`;
        await merge(first, { slices: evens });
        const second = openSession(database);
        await second`set statement_timeout = '5s'`;
        expect(await merge(second, { slices: evens })).toBeNull();
        const [free] = await second<{ slices: number }[]>`
            select ingest.lock_slices(0::smallint, ${allSlices}) as slices`;
        expect(free!.slices).toBe(odds);
        await first`commit`;
    });

    test("that finish the same chunk both complete it, and its file: the second sees what the first has done", async () => {
        await stageFile(sql, sixteen);
        // The second waits for the chunk's row at its very end.
        const second = await meetInChunk("commit");
        expect(second).toMatchObject({ read: 8 });
        expect(await chunkRows(sql)).toMatchObject([{ state: "merged", mergedSlices: allSlices }]);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test("of which the first is rolled back leave the chunk to be finished", async () => {
        await stageFile(sql, sixteen);
        await meetInChunk("rollback");
        expect(await chunkRows(sql)).toMatchObject([{ state: "staged", mergedSlices: odds }]);
        expect(await fileStates(sql)).toEqual(["loaded"]);
        await merge(sql);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test("that finish two chunks of one file complete the file", async () => {
        const chunks = await stageChunks(sql, [[event(0)], [event(1)]]);
        // Each chunk lacks the slices that one of the two merges will hold; there is no record in the others.
        for (const [index, mergedSlices] of [odds, evens].entries()) {
            await sql`
                update ingest.chunks set merged_slices = ${mergedSlices} where chunk_id = ${chunks[index]!.chunkId}`;
        }
        expect(await meetInChunk("commit")).toMatchObject({ chunks: 1, read: 1 });
        expect((await chunkRows(sql)).map(({ state }) => state)).toEqual(["merged", "merged"]);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test("by the dozen, a slice or two each, on four connections: all is merged, once", async () => {
        const chunks = Array.from({ length: 6 }, (_, chunk) =>
            Array.from({ length: 64 }, (_, no) => event(no, { user_id: `u${(no * chunk) % 3}` })),
        );
        await stageChunks(sql, chunks);
        await merge(sql);
        const expected = await tables(sql);
        await sql`select ingest.reset()`;
        await stageChunks(sql, chunks);
        const sessions = Array.from({ length: 4 }, () => openSession(database));
        const work = Array.from({ length: 16 }, (_, slice) => slice);
        await Promise.all(
            sessions.map(async (session) => {
                for (let slice = work.pop(); slice !== undefined; slice = work.pop()) {
                    while ((await merge(session, { slices: 1 << slice, maxChunks: 2 })) !== null) {}
                }
            }),
        );
        expect(await tables(sql)).toEqual(expected);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });
});
