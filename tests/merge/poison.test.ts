/** Promise 6: a merge that raises on data is retried on halves until the one chunk that cannot pass is set aside. */
import { beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { IngestContext } from "../../src/engine/context.ts";
import { failChunk } from "../../src/engine/ledger/chunks.ts";
import { createMerger, type Merger } from "../../src/engine/merge/merge-batch.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { columnNames } from "../../src/streams/stream.ts";
import { useTestIngest } from "../ingest/ingest-context.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { openSession, whenWaiting } from "../support/sessions.ts";
import {
    allSlices,
    chunkRows,
    chunkStates,
    event,
    fileStates,
    idOf,
    merge,
    type StagedRow,
    stageAgain,
    stageChunks,
    stageFile,
    takeLease,
    worker,
} from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const ingest = useTestIngest(database);
/** A merge that reads poison in one of its slices raises in what it does itself, so that no record can be blamed for it. */
beforeEach(async () => {
    await sql`drop trigger if exists no_poison on ingest.chunk_merges`;
    await sql`
        create or replace function public.no_poison() returns trigger language plpgsql as $$
        begin
            if exists (
                select from ingest.staging
                where
                    staging.chunk_id = new.chunk_id
                    and staging.product_id = 'poison'
                    and (1 << staging.slice_no) & new.slices <> 0
            ) then
                raise exception 'poison' using errcode = 'check_violation';
            end if;
            return new;
        end
        $$`;
    await sql`
        create trigger no_poison before insert on ingest.chunk_merges
        for each row execute function public.no_poison()`;
});

const poison = (no: number) => event(no, { product_id: "poison" });
/** Sixteen records, one a slice. */
const sixteen = (from: number, row: (no: number) => StagedRow = event) =>
    Array.from({ length: 16 }, (_, no) => row(from + no));

/** Merges until there is nothing left to do. Gives what was read in each batch. */
async function mergeAll(merger: Merger, slices = allSlices): Promise<number[]> {
    const reads: number[] = [];
    for (let batch = await merger.merge(slices); batch !== null; batch = await merger.merge(slices)) {
        reads.push(batch.read);
        if (reads.length > 100) throw new Error("It does not end.");
    }
    return reads;
}

/** A context whose answers to failed merges come late: `meanwhile` happens before the merger hears of the first. */
function lateContext(meanwhile: () => Promise<unknown>): IngestContext {
    let isFirst = true;
    const late = new Proxy(sql, {
        apply(target, self, args) {
            const answer = Reflect.apply(target, self, args);
            const [strings] = args as [TemplateStringsArray];
            if (!strings.join("").includes("merge_batch")) return answer;
            return answer.catch(async (error: unknown) => {
                if (isFirst) await meanwhile();
                isFirst = false;
                throw error;
            });
        },
    });
    return { ...ingest.context, sql: late };
}

describe("promise 6: a chunk that no merge can take", () => {
    test("is failed and visible, and all others are merged", async () => {
        const chunks = Array.from({ length: 9 }, (_, no) => [
            event(2 * no),
            no === 5 ? poison(2 * no + 1) : event(2 * no + 1),
        ]);
        const staged: Awaited<ReturnType<typeof stageFile>>[] = [];
        for (const rows of chunks) staged.push(await stageFile(sql, rows));
        const reads = await mergeAll(createMerger(ingest.context));

        expect(reads.reduce((sum, read) => sum + read, 0)).toBe(16);
        const states = await chunkStates(sql);
        expect(states).toEqual(chunks.map((_, no) => (no === 5 ? "failed" : "merged")));
        expect(await fileStates(sql)).toEqual(states);
        const bad = staged[5]!;
        const [file] = await sql`select problem, problem_detail from ingest.files where file_id = ${bad.fileId}`;
        expect(file).toEqual({ problem: "merge_failed", problem_detail: "Its merge failed with SQLSTATE 23514." });
        expect((await chunkRows(sql))[5]).toMatchObject({
            loadId: null,
            mergedSlices: 0,
            problem: "merge_failed",
            attempts: 1,
        });
        expect(ingest.lines.filter((line) => line.startsWith("error"))).toHaveLength(1);
        const [events] = await sql`select count(*) as events from events`;
        expect(events).toEqual({ events: 16 });
    });

    test("is found wherever it stands, and however many there are", async () => {
        for (const bad of [[0], [6], [0, 1], [2, 5, 6], [0, 1, 2, 3, 4, 5, 6]]) {
            await sql`select ingest.reset()`;
            const chunks = Array.from({ length: 7 }, (_, no) => [bad.includes(no) ? poison(no) : event(no)]);
            for (const rows of chunks) await stageFile(sql, rows);
            await mergeAll(createMerger(ingest.context));
            expect(await chunkStates(sql)).toEqual(chunks.map((_, no) => (bad.includes(no) ? "failed" : "merged")));
        }
    });

    test("of a file of several fails the file, whose other chunks are merged", async () => {
        await stageChunks(sql, [[event(1)], [poison(2)], [event(3)]]);
        await mergeAll(createMerger(ingest.context));
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged", "failed", "merged"], ["failed"]]);
    });

    test("keeps the slices that could be merged, and is whole again once the cause is gone and its file is seen to change", async () => {
        const staged = await stageFile(sql, [event(0), poison(1), event(2)]);
        const merger = createMerger(ingest.context);
        await mergeAll(merger, 0b1);
        await mergeAll(merger);
        expect(await chunkRows(sql)).toMatchObject([{ state: "failed", mergedSlices: 0b1 }]);

        await sql`drop trigger no_poison on ingest.chunk_merges`;
        await sql`select ingest.reopen_files(array[${staged.fileId}]::bigint[])`;
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["pending"], ["pending"]]);
        await takeLease(sql);
        await stageAgain(sql, staged);
        expect(await mergeAll(merger)).toEqual([2]);
        await sql`select ingest.mark_file_unchanged(${staged.fileId}, 1, 1, 1)`;
        expect([await chunkStates(sql), await fileStates(sql)]).toEqual([["merged"], ["merged"]]);
    });

    test("of a large file, through the whole pipeline: the rest of the file is in, and the file is seen to have failed", async () => {
        const header = columnNames(eventsStream).join(",");
        const rows = Array.from({ length: 400 }, (_, no) =>
            Object.values(no === 30 ? poison(no) : event(no)).join(","),
        );
        writeFileSync(join(ingest.inputDir, "large.csv"), `${[header, ...rows].join("\n")}\n`);
        writeFileSync(join(ingest.inputDir, "other.csv"), `${header}\n${Object.values(event(1_000)).join(",")}\n`);
        await sql`select ingest.retire_worker(${worker})`;
        const { files } = await ingestFolder(database.target, ingest.inputDir, {
            maxChunkBytes: 2_000,
            maxBatchRecords: 50,
        });
        expect(files).toEqual({ merged: 1, skipped: 0, failed: 1 });

        const [failed, ...others] = (await chunkRows(sql)).toSorted((left) => (left.state === "failed" ? -1 : 1));
        expect(failed).toMatchObject({ state: "failed", problem: "merge_failed" });
        expect(new Set(others.map(({ state }) => state))).toEqual(new Set(["merged"]));
        // Some of its slices may have been merged: what is missing is what nobody has read.
        const [lost] = await sql<{ records: number }[]>`
            select
                chunks.records - coalesce(
                    (select sum(read)::bigint from ingest.chunk_merges where chunk_merges.chunk_id = chunks.chunk_id),
                    0
                ) as records
            from ingest.chunks
            where chunks.chunk_id = ${failed!.chunkId}`;
        expect(lost!.records).toBeGreaterThan(0);
        const [events] = await sql`select count(*) as events from events`;
        expect(events).toEqual({ events: 401 - lost!.records });
        const [large] = await sql`select state, problem, loaded_records from ingest.files where path = 'large.csv'`;
        expect(large).toEqual({ state: "failed", problem: "merge_failed", loaded_records: 400 });
    });

    test("is failed too when it is the counts that do not add up", async () => {
        const bad = await stageFile(sql, [event(0), event(1)]);
        await stageFile(sql, [event(2)]);
        await merge(sql, { slices: 0b1, maxChunks: 1 });
        await sql`update ingest.chunk_merges set read = 2, inserted = 2`;
        await mergeAll(createMerger(ingest.context));
        expect(await chunkStates(sql)).toEqual(["failed", "merged"]);
        const [chunk] = await sql`select problem_detail from ingest.chunks where chunk_id = ${bad.chunkId}`;
        expect(chunk!.problem_detail).toContain("SL002");
    });
});

describe("promise 6: a good chunk is never set aside for another's fault,", () => {
    test("not when another merger has set the bad one aside before this one could look", async () => {
        const bad = await stageFile(sql, sixteen(0, poison));
        await stageFile(sql, sixteen(16));
        const failure = { problem: "merge_failed", detail: "By another merger.", retryAfterMs: null } as const;
        const merger = createMerger(lateContext(() => failChunk(sql, bad.chunkId, failure)));
        await mergeAll(merger);
        expect(await chunkStates(sql)).toEqual(["failed", "merged"]);
        expect(await fileStates(sql)).toEqual(["failed", "merged"]);
    });

    test("not when another merger has a slice of the chunks before it, so that this one begins with a later chunk", async () => {
        await stageFile(sql, [event(0)]);
        await stageFile(sql, [poison(1)]);
        await stageFile(sql, [event(2)]);
        await merge(sql, { slices: 0xfffe, maxChunks: 1 });
        // The first chunk waits for slice 0, which another merge holds.
        const holder = openSession(database);
        await holder`begin`;
        await holder`select from ingest.slices where slice_no = 0 for update`;
        const merger = createMerger(ingest.context);
        await mergeAll(merger);
        expect(await chunkStates(sql)).toEqual(["staged", "failed", "staged"]);
        await holder`rollback`;
        await mergeAll(merger);
        expect(await chunkStates(sql)).toEqual(["merged", "failed", "merged"]);
    });

    test("not when four mergers meet at bad chunks, each with its slices", async () => {
        for (let round = 0; round < 5; round += 1) {
            await sql`select ingest.reset()`;
            for (const [no, isBad] of [false, true, false, true, true, false].entries()) {
                await stageFile(sql, sixteen(16 * no, isBad ? poison : event));
            }
            const shares = [0x1111, 0x2222, 0x4444, 0x8888];
            await Promise.all(shares.map((slices) => mergeAll(createMerger(ingest.context), slices)));
            // Whatever was left because its slices were taken.
            await mergeAll(createMerger(ingest.context));
            expect(await chunkStates(sql)).toEqual(["merged", "failed", "merged", "failed", "failed", "merged"]);
        }
    });
});

describe("what is no fault of the data", () => {
    test("passes through, and fails nobody: a statement that takes too long", async () => {
        await stageFile(sql, [event(1)]);
        const blocker = openSession(database);
        await blocker`begin`;
        await blocker`lock table ingest.batches in access exclusive mode`;
        const hurried = openSession(database);
        await hurried`set statement_timeout = '100ms'`;
        const merger = createMerger({ ...ingest.context, sql: hurried });
        await expect(merger.merge(allSlices)).rejects.toMatchObject({ code: "57014" });
        await blocker`rollback`;
        await hurried`set statement_timeout = 0`;
        expect(await chunkStates(sql)).toEqual(["staged"]);
        // Halved, since a merge that was ended would be ended again: the slices of the one chunk in two batches.
        expect(await mergeAll(merger)).toEqual([1, 0]);
        expect(await chunkStates(sql)).toEqual(["merged"]);
    });

    test("somebody else's insert of the same event_id in the very moment is no fault: the merge is called again", async () => {
        await stageFile(sql, [event(1), event(2)]);
        const somebody = openSession(database);
        await somebody`begin`;
        await somebody`
            insert into events (event_id, event_type, product_id, user_id, event_timestamp, chunk_id, record_no)
            values (${idOf(1)}, 'view', 'theirs', 'u1', '2024-05-01 10:00:00', -1, 1)`;
        const merged = createMerger(ingest.context).merge(allSlices);
        await whenWaiting(sql);
        await somebody`commit`;
        expect(await merged).toMatchObject({ read: 2, inserted: 1, conflict: 1 });
        expect(await chunkStates(sql)).toEqual(["merged"]);
    });

    test("an answer that was lost is asked for again with the same key: nothing is merged twice, no count is lost", async () => {
        await stageFile(sql, [event(1), event(1)]);
        let calls = 0;
        const forgetful = new Proxy(sql, {
            apply(target, self, args) {
                const answer = Reflect.apply(target, self, args);
                const [strings] = args as [TemplateStringsArray];
                if (!strings.join("").includes("merge_batch")) return answer;
                calls += 1;
                // Committed, but the connection went before the answer came.
                const lost = Object.assign(new Error("write CONNECTION_CLOSED"), { code: "CONNECTION_CLOSED" });
                return calls === 1 ? answer.then(() => Promise.reject(lost)) : answer;
            },
        });
        const merger = createMerger({ ...ingest.context, sql: forgetful });
        await expect(merger.merge(allSlices)).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
        expect(await merger.merge(allSlices)).toMatchObject({ read: 2, inserted: 1, duplicate: 1 });
        expect(await merger.merge(allSlices)).toBeNull();
        const [row] = await sql`select count(*) as batches from ingest.batches`;
        expect(row).toEqual({ batches: 1 });
    });
});
