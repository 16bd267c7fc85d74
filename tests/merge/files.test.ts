/** The files and chunks of the ledger, as discovery, the loader and failures move them on. */
import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { Sql } from "../../src/database/connect.ts";
import { sluiceStates, sqlStateOf } from "../../src/database/sql-states.ts";
import { type FileFailure, failFile, nextFiles } from "../../src/engine/ledger/files.ts";
import { asLoader } from "../../src/engine/ledger/lease.ts";
import { retireWorkers, takeLoaderLease } from "../../src/engine/ledger/worker-leases.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { failureOf } from "../support/failure-of.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { meet } from "../support/sessions.ts";
import {
    chunkRows,
    chunkStates,
    event,
    fileStates,
    merge,
    registerFile,
    stageAgain,
    stageChunks,
    stageFile,
    takeLease,
} from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

const register = (...paths: string[]) => sql<{ path: string; version: number; fileId: number }[]>`
    select path, version, file_id as "fileId"
    from ingest.register_files(0::smallint, ${JSON.stringify(paths.map((path) => ({ path, sizeBytes: 9, mtimeNs: "1", inode: "1" })))}::text::jsonb)`;
const markUnchanged = (fileId: number, session = sql) => session`select ingest.mark_file_unchanged(${fileId}, 2, 3, 4)`;
const reopen = (fileId: number) => sql`select ingest.reopen_files(array[${fileId}]::bigint[])`;
const failChunk = (chunkId: number, retryAfter: string | null = null, session = sql) =>
    session`select ingest.fail_chunk(${chunkId}, 'merge_failed', 'Why.', ${retryAfter}::text::interval)`;
const setState = (fileId: number, state: string) =>
    sql`update ingest.files set state = ${state} where file_id = ${fileId}`;

async function file(fileId: number) {
    const [row] = await sql`
        select
            state, problem, problem_detail, attempts, version, copy_of,
            round(extract(epoch from next_attempt_at - clock_timestamp()))::integer as retry_in
        from ingest.files
        where file_id = ${fileId}`;
    return row!;
}

describe("registering", () => {
    test("makes a row of every path that has none, in the order of the bytes of the names", async () => {
        const rows = await register("b.csv", "a.csv", "é.csv", "Z.csv");
        expect(rows.toSorted((left, right) => left.fileId - right.fileId).map(({ path }) => path)).toEqual([
            "Z.csv",
            "a.csv",
            "b.csv",
            "é.csv",
        ]);
        const again = await register("a.csv", "c.csv");
        expect(again.find(({ path }) => path === "a.csv")).toEqual(rows.find(({ path }) => path === "a.csv")!);
        expect(await fileStates(sql)).toHaveLength(5);
    });

    test("by two at once makes one row a path", async () => {
        const second = await meet(
            database,
            (session) => registerFile(session, "a.csv"),
            () => registerFile(sql, "a.csv"),
        );
        expect(second).toBeGreaterThan(0);
        expect(await fileStates(sql)).toEqual(["pending"]);
    });

    test("gives the newest version of a path", async () => {
        const fileId = await registerFile(sql, "a.csv");
        await sql`select ingest.replace_file(${fileId}, 5, 6, 7, 'rewritten')`;
        expect(await register("a.csv")).toMatchObject([{ version: 2 }]);
    });
});

describe("the files to load", () => {
    test("are the pending ones in path order, and failed ones that are due", async () => {
        const states: [string, string, string | null][] = [
            ["d.csv", "pending", null],
            ["a.csv", "failed", "-1 second"],
            ["b.csv", "failed", "1 hour"],
            ["c.csv", "failed", null],
            ["e.csv", "merged", null],
            ["f.csv", "skipped", null],
            ["g.csv", "loaded", null],
            ["Z.csv", "pending", null],
        ];
        for (const [path, state, due] of states) {
            const fileId = await registerFile(sql, path);
            await sql`
                update ingest.files set state = ${state}, next_attempt_at = now() + ${due}::text::interval
                where file_id = ${fileId}`;
        }
        const next = await nextFiles(sql, 0, 10, []);
        expect(next.map(({ path }) => path)).toEqual(["Z.csv", "a.csv", "d.csv"]);
        expect((await nextFiles(sql, 0, 2, [next[0]!.fileId])).map(({ path }) => path)).toEqual(["a.csv", "d.csv"]);
    });
});

describe("a file that fails", () => {
    const failure: FileFailure = { problem: "file_unreadable", detail: "It cannot be opened.", retryAfterMs: 5_000 };

    test("is tried again later, each time after twice the time, and at most 64 times the first", async () => {
        const fileId = await registerFile(sql, "a.csv");
        const waits: number[] = [];
        for (let attempt = 0; attempt < 9; attempt += 1) {
            await failFile(sql, fileId, null, failure);
            waits.push((await file(fileId)).retry_in);
        }
        expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 320, 320]);
        expect(await file(fileId)).toMatchObject({ state: "failed", problem: "file_unreadable", attempts: 9 });
    });

    test("twelve times in a row is given up and says so, until it changes", async () => {
        const fileId = await registerFile(sql, "a.csv");
        const said: string[] = [];
        for (let attempt = 0; attempt < 12; attempt += 1) said.push(await failFile(sql, fileId, null, failure));
        expect(new Set(said.slice(0, 11))).toEqual(new Set(["It cannot be opened."]));
        const givenUp = "It cannot be opened. Given up after 12 attempts; the command retry takes it up again.";
        expect(said[11]).toBe(givenUp);
        expect(await file(fileId)).toMatchObject({
            state: "failed",
            attempts: 12,
            problem_detail: givenUp,
            retry_in: null,
        });
        await reopen(fileId);
        expect(await file(fileId)).toMatchObject({ state: "pending", attempts: 0, problem_detail: null });
        expect(await failFile(sql, fileId, null, failure)).toBe("It cannot be opened.");
        expect(await file(fileId)).toMatchObject({ attempts: 1, retry_in: 5 });
    });

    test("for good waits until it is seen to change", async () => {
        const fileId = await registerFile(sql, "a.csv");
        const seen = { sizeBytes: 4, mtimeNs: "5", inode: "6" };
        await failFile(sql, fileId, seen, { ...failure, retryAfterMs: null });
        expect(await file(fileId)).toMatchObject({ state: "failed", retry_in: null });
        const [row] = await sql`select size_bytes, mtime_ns, inode from ingest.files`;
        expect(row).toEqual({ size_bytes: 4, mtime_ns: 5, inode: "6" });
        await reopen(fileId);
        expect(await file(fileId)).toMatchObject({
            state: "pending",
            problem: null,
            problem_detail: null,
            attempts: 0,
        });
    });

    test("is no longer failed when its bytes turn out to be the same as ever, and its problem is gone", async () => {
        const { fileId } = await stageFile(sql, [event(1)]);
        await merge(sql);
        await failFile(sql, fileId, null, failure);
        await markUnchanged(fileId);
        expect(await file(fileId)).toMatchObject({
            state: "merged",
            problem: null,
            problem_detail: null,
            retry_in: null,
        });
    });

    test("by a worker that has lost the right to load is left as it is: its look is older than the other one's", async () => {
        const fileId = await registerFile(sql, "a.csv");
        const [first, second] = [randomUUID(), randomUUID()];
        const fail = (workerId: string) =>
            asLoader({ sql, stream: eventsStream, workerId }, (session) => failFile(session, fileId, null, failure));
        expect(await takeLoaderLease(sql, 0, first, 0)).toBe(true);
        expect(await takeLoaderLease(sql, 0, second, 60_000)).toBe(true);
        expect(sqlStateOf(await failureOf(fail(first)))).toBe(sluiceStates.loadFenced);
        expect(await file(fileId)).toMatchObject({ state: "pending" });
        await fail(second);
        expect(await file(fileId)).toMatchObject({ state: "failed" });
        await retireWorkers(sql, [second]);
    });

    test.each(["replaced", "skipped"])("should not: one that is %s", async (state) => {
        const fileId = await registerFile(sql, "a.csv");
        await setState(fileId, state);
        await failFile(sql, fileId, null, failure);
        expect(await file(fileId)).toMatchObject({ state, problem: null });
    });
});

describe("a file that is rewritten", () => {
    test("is replaced by the next version of its path, to be read from the beginning", async () => {
        const { fileId } = await stageFile(sql, [event(1)]);
        const [row] = await sql`select ingest.replace_file(${fileId}, 5, 6, 7, 'It shrank.') as file_id`;
        expect(await file(fileId)).toMatchObject({
            state: "replaced",
            problem: "rewritten",
            problem_detail: "It shrank.",
        });
        const [next] = await sql`
            select state, version, loaded_bytes, size_bytes, mtime_ns, inode from ingest.files where file_id = ${row!.file_id}`;
        expect(next).toEqual({ state: "pending", version: 2, loaded_bytes: 0, size_bytes: 5, mtime_ns: 6, inode: "7" });
    });

    test("keeps what was staged of it: that is merged, and the old version stays replaced", async () => {
        const { fileId } = await stageFile(sql, [event(1)]);
        await sql`select ingest.replace_file(${fileId}, 5, 6, 7, 'It shrank.')`;
        expect(await merge(sql)).toMatchObject({ inserted: 1 });
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged"], ["replaced", "pending"]]);
    });

    test("is replaced once", async () => {
        const fileId = await registerFile(sql, "a.csv");
        await sql`select ingest.replace_file(${fileId}, 5, 6, 7, 'It shrank.')`;
        const [again] = await sql`select ingest.replace_file(${fileId}, 5, 6, 7, 'It shrank.') as file_id`;
        expect(again).toEqual({ file_id: null });
        expect(await fileStates(sql)).toEqual(["replaced", "pending"]);
    });
});

describe("copies", () => {
    const skip = (fileId: number, copyOf: number) => sql`
        select ingest.skip_copies(${JSON.stringify([
            { fileId, copyOf, detail: "A copy.", sizeBytes: 1, mtimeNs: "2", inode: "3" },
        ])}::text::jsonb)`;

    test("are skipped, and name the file they are copies of", async () => {
        const [original, copy] = [await registerFile(sql, "a.csv"), await registerFile(sql, "b.csv")];
        await skip(copy, original);
        expect(await file(copy)).toMatchObject({ state: "skipped", problem: "copy", copy_of: original });
    });

    test.each(["loaded", "merged", "replaced", "skipped"])("should not: one that is %s", async (state) => {
        const fileId = await registerFile(sql, "a.csv");
        await setState(fileId, state);
        await skip(fileId, 1);
        expect(await file(fileId)).toMatchObject({ state, copy_of: null });
    });

    test("should not: one of which some was loaded before", async () => {
        const { fileId } = await stageFile(sql, [event(1)], { atEnd: false });
        await skip(fileId, 1);
        expect(await file(fileId)).toMatchObject({ state: "pending", copy_of: null });
    });
});

describe("a file that is the same as ever, but for its times,", () => {
    test("is merged when its chunks are, else loaded", async () => {
        const { fileId } = await stageFile(sql, [event(1)]);
        await reopen(fileId);
        await markUnchanged(fileId);
        expect(await fileStates(sql)).toEqual(["loaded"]);
        await merge(sql);
        expect(await fileStates(sql)).toEqual(["merged"]);
        await reopen(fileId);
        await markUnchanged(fileId);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test.each(["first", "last"])(
        "promise 8: is merged when its last chunk is, the merge %s of the two",
        async (place) => {
            const { fileId } = await stageFile(sql, [event(1)]);
            await reopen(fileId);
            const both: ((session: Sql) => PromiseLike<unknown>)[] = [
                (session) => merge(session),
                (session) => markUnchanged(fileId, session),
            ];
            const [first, second] = place === "first" ? both : both.toReversed();
            await meet(database, first!, () => second!(sql));
            expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged"], ["merged"]]);
        },
    );

    test("stays failed when one of its chunks is", async () => {
        const { fileId, chunkId } = await stageFile(sql, [event(1)]);
        await reopen(fileId);
        await failChunk(chunkId);
        await markUnchanged(fileId);
        expect(await file(fileId)).toMatchObject({ state: "failed", problem: "merge_failed" });
    });
});

describe("a chunk that fails", () => {
    test("for good fails its file", async () => {
        const { fileId, chunkId } = await stageFile(sql, [event(1)]);
        await failChunk(chunkId);
        expect(await chunkRows(sql)).toMatchObject([
            { state: "failed", loadId: null, problem: "merge_failed", attempts: 1 },
        ]);
        expect(await file(fileId)).toMatchObject({ state: "failed", problem: "merge_failed", problem_detail: "Why." });
        expect(await merge(sql)).toBeNull();
    });

    test("for now is tried again later, each time after twice the time, and its file is not failed", async () => {
        const staged = await stageFile(sql, [event(1)]);
        const waits: number[] = [];
        for (let attempt = 0; attempt < 8; attempt += 1) {
            await failChunk(staged.chunkId, "5 seconds");
            const [row] = await sql<{ wait: number }[]>`
                select round(extract(epoch from next_attempt_at - clock_timestamp()))::integer as wait from ingest.chunks`;
            waits.push(row!.wait);
        }
        expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 320]);
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["pending"], ["loaded"]]);
        await stageAgain(sql, staged);
        expect(await chunkRows(sql)).toMatchObject([{ state: "staged", problem: null }]);
        await merge(sql);
        expect(await fileStates(sql)).toEqual(["merged"]);
    });

    test("twelve times in a row is given up, and its file with it", async () => {
        const { fileId, chunkId } = await stageFile(sql, [event(1)]);
        for (let attempt = 0; attempt < 11; attempt += 1) await failChunk(chunkId, "5 s");
        expect(await chunkRows(sql)).toMatchObject([{ state: "pending", attempts: 11 }]);
        expect(await file(fileId)).toMatchObject({ state: "loaded" });
        await failChunk(chunkId, "5 s");
        expect(await chunkRows(sql)).toMatchObject([{ state: "failed", attempts: 12 }]);
        expect(await file(fileId)).toMatchObject({
            state: "failed",
            problem_detail: "Why. Given up after 12 attempts; the command retry takes it up again.",
        });
    });

    test("should not: one that is merged by now; and its file is not failed either", async () => {
        const { chunkId } = await stageFile(sql, [event(1)]);
        await merge(sql);
        await failChunk(chunkId);
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged"], ["merged"]]);
    });

    test("should not: one that is merged while it waits to be failed", async () => {
        const { chunkId } = await stageFile(sql, [event(1)]);
        await meet(database, merge, () => failChunk(chunkId));
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged"], ["merged"]]);
    });

    test("of a replaced version fails alone", async () => {
        const { fileId, chunkId } = await stageFile(sql, [event(1)]);
        await sql`select ingest.replace_file(${fileId}, 5, 6, 7, 'It shrank.')`;
        await failChunk(chunkId);
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["failed"], ["replaced", "pending"]]);
    });

    test("promise 6: fails its file visibly when more of that is still being loaded: the rest goes on, the failure stays", async () => {
        const { fileId, chunkId } = await stageFile(sql, [event(1)], { atEnd: false });
        await failChunk(chunkId);
        // Still to be loaded, whoever does it, also after a restart.
        expect((await nextFiles(sql, 0, 10, [])).map((next) => next.fileId)).toEqual([fileId]);
        await stageFile(sql, [event(2)], { fileId, firstRecordNo: 2, atEnd: false });
        await stageFile(sql, [event(3)], { fileId, firstRecordNo: 3 });
        await merge(sql);
        expect(await chunkStates(sql)).toEqual(["failed", "merged", "merged"]);
        expect(await file(fileId)).toMatchObject({ state: "failed", problem: "merge_failed", problem_detail: "Why." });
    });

    test("promise 6: at the very moment at which the rest of its file is recorded, stays visible", async () => {
        const { fileId, chunkId } = await stageFile(sql, [event(1)], { atEnd: false });
        await meet(
            database,
            (session) => failChunk(chunkId, null, session),
            () => stageFile(sql, [event(2)], { fileId, firstRecordNo: 2 }),
        );
        await merge(sql);
        expect(await file(fileId)).toMatchObject({ state: "failed", problem: "merge_failed" });
    });
});

test("a file of many chunks is not merged before the last, in whatever order they are", async () => {
    const staged = await stageChunks(sql, [[event(1)], [event(2)], [event(3)]]);
    await failChunk(staged[0]!.chunkId, "1 hour");
    await merge(sql);
    expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["pending", "merged", "merged"], ["loaded"]]);
    await takeLease(sql);
    await stageAgain(sql, staged[0]!);
    await merge(sql);
    expect(await fileStates(sql)).toEqual(["merged"]);
});
