/** The loader's lease, the fence of a load, and what sweeping may take away. */
import { beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { Sql } from "../../src/database/connect.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { closeSessions, meet, openSession, whenWaiting } from "../support/sessions.ts";
import {
    beginLoad,
    chunkRecord,
    chunkStates,
    event,
    fileStates,
    insertStaged,
    merge,
    recordLoad,
    registerFile,
    stageFile,
    takeLease,
    worker,
} from "./ledger.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
beforeEach(async () => {
    await sql`update ingest.loader_lease set worker_id = null, lease_until = null`;
});

const other = "00000000-0000-4000-8000-00000000000b";
const expired = "-1 second";

async function loadStates(): Promise<string[]> {
    const rows = await sql<{ state: string }[]>`select state from ingest.loads order by load_id`;
    return rows.map(({ state }) => state);
}
async function stagedRows(): Promise<number> {
    const [row] = await sql<{ rows: number }[]>`select count(*) as rows from ingest.staging`;
    return row!.rows;
}
async function sweep(sweeper = worker): Promise<number> {
    const [row] = await sql<
        { rows: number }[]
    >`select swept_rows as rows from ingest.sweep_staging(0::smallint, ${sweeper})`;
    return row!.rows;
}
const beginAs = (session: Sql, holder: string) => session<{ loadId: number; chunkIds: number[] }[]>`
    select load_id as "loadId", chunk_ids as "chunkIds" from ingest.begin_load(0::smallint, ${holder}, 'verbatim', 1)`;

/** Resolves once the session's backend is gone; fails after five seconds. */
async function whenGone(applicationName: string): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
        const rows = await sql`select from pg_stat_activity where application_name = ${applicationName}`;
        if (rows.length === 0) return;
        await Bun.sleep(10);
    }
    throw new Error(`The backend of ${applicationName} is still there.`);
}

describe("the loader's lease", () => {
    test("is had by one worker at a time, and renewed by the same", async () => {
        expect(await takeLease(sql)).toBe(true);
        expect(await takeLease(sql, other)).toBe(false);
        expect(await takeLease(sql)).toBe(true);
        const [row] =
            await sql`select worker_id, lease_until > now() + interval '59 minutes' as renewed from ingest.loader_lease`;
        expect(row).toEqual({ worker_id: worker, renewed: true });
    });

    test("is free when it has run out by the database's clock, or was given back", async () => {
        await takeLease(sql, worker, expired);
        expect(await takeLease(sql, other, expired)).toBe(true);
        expect(await takeLease(sql)).toBe(true);
        await sql`select ingest.retire_worker(${worker})`;
        expect(await takeLease(sql, other)).toBe(true);
        // Retiring gives back one's own alone.
        await sql`select ingest.retire_worker(${worker})`;
        expect(await takeLease(sql)).toBe(false);
    });

    test("that two take at the same moment is had by one, and the other does not wait", async () => {
        await takeLease(sql, randomUUID(), expired);
        const session = openSession(database);
        await session`begin`;
        expect(await takeLease(session)).toBe(true);
        expect(await takeLease(sql, other)).toBe(false);
        await session`commit`;
        const workers = Array.from({ length: 8 }, () => randomUUID());
        await sql`select ingest.retire_worker(${worker})`;
        const taken = await Promise.all(workers.map((holder) => takeLease(sql, holder)));
        expect(taken.filter(Boolean)).toHaveLength(1);
    });

    test("is still its holder's while a session of the holder's own sweeps", async () => {
        await takeLease(sql);
        const session = openSession(database);
        await session`begin`;
        await session`select ingest.sweep_staging(0::smallint, ${worker})`;
        const renewed = takeLease(openSession(database)).then((isTaken) => isTaken);
        await whenWaiting(sql);
        expect(await takeLease(sql, other)).toBe(false);
        await session`commit`;
        expect(await renewed).toBe(true);
    });

    test("should fail: a load is begun without it, or after it has run out", async () => {
        await expect(beginLoad(sql)).rejects.toMatchObject({ code: "SL001" });
        await takeLease(sql, other);
        await expect(beginLoad(sql)).rejects.toMatchObject({ code: "SL001" });
        await takeLease(sql, other, expired);
        await takeLease(sql, worker, expired);
        await expect(beginLoad(sql)).rejects.toMatchObject({ code: "SL001" });
        expect(await loadStates()).toEqual([]);
    });
});

describe("promise 8: taking over", () => {
    test("abandons the loads of the worker before, and ends the backends that write them", async () => {
        const session = openSession(database, "abandoned copy");
        await takeLease(sql, other);
        await beginAs(session, other);
        await session`begin`;
        await session`insert into ingest.staging (load_id, chunk_id, record_no, slice_no) values (1, 1, 1, 0)`;
        await takeLease(sql, other, expired);

        expect(await takeLease(sql)).toBe(true);
        await whenGone("abandoned copy");
        expect(await loadStates()).toEqual(["abandoned"]);
        expect(await stagedRows()).toBe(0);
    });

    test("abandons nothing of a worker that takes its own lease again", async () => {
        await takeLease(sql, worker, "1 hour");
        await beginLoad(sql);
        await takeLease(sql, worker, expired);
        expect(await takeLease(sql)).toBe(true);
        expect(await loadStates()).toEqual(["loading"]);
    });

    test("leaves loads that are staged to count: their rows are whole", async () => {
        await stageFile(sql, [event(1)]);
        await sql`update ingest.loader_lease set lease_until = now() - interval '1 second'`;
        expect(await takeLease(sql, other)).toBe(true);
        expect(await loadStates()).toEqual(["staged"]);
        expect(await merge(sql)).toMatchObject({ inserted: 1 });
    });

    test("ends no backend that has only got the process id of one that is gone", async () => {
        const session = openSession(database, "innocent");
        const [backend] = await session<{ pid: number }[]>`select pg_backend_pid() as pid`;
        await sql`
            insert into ingest.loads (worker_id, backend_pid, backend_start, way)
            values (${other}, ${backend!.pid}, now() - interval '1 day', 'verbatim')`;
        await takeLease(sql);
        expect(await loadStates()).toEqual(["abandoned"]);
        expect([...(await session`select 1 as one`)]).toEqual([{ one: 1 }]);
    });

    test("a worker's own load that failed while the database was away is abandoned when it begins the next", async () => {
        await takeLease(sql);
        const session = openSession(database, "failed copy");
        await beginAs(session, worker);
        await beginLoad(sql);
        await whenGone("failed copy");
        expect(await loadStates()).toEqual(["abandoned", "loading"]);
    });
});

describe("a load", () => {
    test("stands in the ledger, with the very backend that writes it, before its rows do", async () => {
        await takeLease(sql);
        const session = openSession(database);
        const [backend] = await session<{ pid: number }[]>`select pg_backend_pid() as pid`;
        const [load] = await session<{ chunkIds: number[] }[]>`
            select chunk_ids as "chunkIds" from ingest.begin_load(0::smallint, ${worker}, 'parsed', 5)`;
        expect(load!.chunkIds).toHaveLength(5);
        expect(load!.chunkIds).toEqual([...new Set(load!.chunkIds)].sort((left, right) => left - right));
        const [row] = await sql`select state, way, backend_pid, worker_id, records from ingest.loads`;
        expect(row).toEqual({
            state: "loading",
            way: "parsed",
            backend_pid: backend!.pid,
            worker_id: worker,
            records: null,
        });
    });

    test("moves its files on: how far they are loaded, as what they were seen, with which header", async () => {
        await takeLease(sql);
        const fileId = await registerFile(sql, "a.csv");
        const { loadId, chunkIds } = await beginLoad(sql);
        const rows = [event(1), event(2)];
        const record = chunkRecord({ chunkId: chunkIds[0]!, fileId }, rows, {
            sizeBytes: 20,
            mtimeNs: "1700000000000000123",
            inode: "18446744073709551615",
            extraColumns: ["x"],
            tailByte: 10,
            tailRecordNo: 2,
            tailLineNo: 3,
        });
        await insertStaged(sql, { loadId, chunkId: chunkIds[0]! }, rows);
        await recordLoad(sql, loadId, [record]);
        const [file] = await sql`
            select
                state, size_bytes, mtime_ns::text, inode, loaded_bytes, loaded_records, loaded_lines, tail_byte,
                tail_record_no, tail_line_no, extra_columns, content_hash
            from ingest.files`;
        expect(file).toEqual({
            state: "loaded",
            size_bytes: 20,
            mtime_ns: "1700000000000000123",
            inode: "18446744073709551615",
            loaded_bytes: 20,
            loaded_records: 2,
            loaded_lines: 3,
            tail_byte: 10,
            tail_record_no: 2,
            tail_line_no: 3,
            extra_columns: ["x"],
            content_hash: record.contentHash,
        });
        const [load] = await sql`select state, records from ingest.loads`;
        expect(load).toEqual({ state: "staged", records: 2 });
    });

    test("keeps of each file how it is read: several may share a shape", async () => {
        await takeLease(sql);
        const fileIds = [
            await registerFile(sql, "a.csv"),
            await registerFile(sql, "b.csv"),
            await registerFile(sql, "c.csv"),
        ];
        const { loadId, chunkIds } = await beginLoad(sql, 3);
        const none = { extraColumns: null, missingColumns: null, ignoredColumns: null };
        const shapes = [
            { ...none, header: ["x"], extraColumns: ["x"], ignoredColumns: ["y"], dialect: { quote: "'" } },
            { ...none, header: ["é", ""], missingColumns: ["price"], source: { name: "s" } },
        ];
        const shapeNos = [1, 0, 1];
        const chunks = fileIds.map((fileId, index) => ({
            ...chunkRecord({ chunkId: chunkIds[index]!, fileId }, [event(index)]),
            shapeNo: shapeNos[index],
        }));
        await sql`
            select ingest.record_load(
                ${loadId}, 100, ${JSON.stringify(shapes)}::text::jsonb, ${JSON.stringify(chunks)}::text::jsonb
            )`;
        const files = await sql`
            select header, extra_columns, missing_columns, ignored_columns, dialect, source
            from ingest.files
            order by path`.values();
        const [x, e] = [
            [["x"], ["x"], null, ["y"], { quote: "'" }, null],
            [["é", ""], null, ["price"], null, null, { name: "s" }],
        ];
        expect([...files]).toEqual([e, x, e]);
    });

    test("of a part of a file has no hash of the whole, first or last", async () => {
        const { fileId } = await stageFile(sql, [event(1)], { atEnd: false });
        const hashOfFile = async () => (await sql`select content_hash from ingest.files`)[0]!.content_hash;
        expect([await hashOfFile(), await fileStates(sql)]).toEqual([null, ["pending"]]);
        await stageFile(sql, [event(2)], { fileId, firstRecordNo: 2 });
        expect([await hashOfFile(), await fileStates(sql)]).toEqual([null, ["loaded"]]);
    });
});

describe("promise 5: record_load is fenced. Should fail, and change nothing:", () => {
    /** Begins a load of one file and gives what ends it. */
    async function begin(fileOptions: Partial<Record<string, unknown>> = {}) {
        await takeLease(sql);
        const fileId = await registerFile(sql, "a.csv");
        const { loadId, chunkIds } = await beginLoad(sql);
        const record = chunkRecord({ chunkId: chunkIds[0]!, fileId }, [event(1)], fileOptions);
        await insertStaged(sql, { loadId, chunkId: chunkIds[0]! }, [event(1)]);
        return { fileId, loadId, record, end: () => recordLoad(sql, loadId, [record]) };
    }
    async function expectFenced(load: { end(): Promise<void> }, state: string): Promise<void> {
        await expect(load.end()).rejects.toMatchObject({ code: "SL001" });
        expect([await chunkStates(sql), await loadStates()]).toEqual([[], [state]]);
    }

    test("the load was taken over", async () => {
        const load = await begin();
        await sql`select ingest.abandon_loads(array[${load.loadId}]::bigint[])`;
        await expectFenced(load, "abandoned");
        expect(await fileStates(sql)).toEqual(["pending"]);
    });

    test("the load was never begun", async () => {
        const load = await begin();
        await expect(recordLoad(sql, load.loadId + 1_000, [load.record])).rejects.toMatchObject({ code: "SL001" });
        expect(await loadStates()).toEqual(["loading"]);
    });

    test("it has ended already", async () => {
        const load = await begin();
        await load.end();
        await expect(load.end()).rejects.toMatchObject({ code: "SL001" });
        expect(await chunkStates(sql)).toEqual(["staged"]);
    });

    test("the file is loaded further, or less far, than the loader believed", async () => {
        for (const [loadedBytes, tailByte] of [
            [10, null],
            [30, 10],
        ]) {
            const load = await begin();
            await sql`update ingest.files set loaded_bytes = ${loadedBytes!}, tail_byte = ${tailByte!}`;
            await expectFenced(load, "loading");
            await sql`select ingest.reset()`;
        }
        await expectFenced(await begin({ firstRecordNo: 2 }), "loading");
    });

    test.each(["loaded", "merged", "skipped", "replaced"])("the file is %s meanwhile", async (state) => {
        const load = await begin();
        await sql`update ingest.files set state = ${state}`;
        await expectFenced(load, "loading");
        expect(await fileStates(sql)).toEqual([state]);
    });

    test("one of several files has moved on: none of the load counts", async () => {
        const load = await begin();
        const second = await registerFile(sql, "b.csv");
        await sql`update ingest.files set loaded_bytes = 5 where file_id = ${second}`;
        const chunks = [load.record, chunkRecord({ chunkId: 1_000_000, fileId: second }, [event(2)])];
        await expectFenced({ end: () => recordLoad(sql, load.loadId, chunks) }, "loading");
        expect(await fileStates(sql)).toEqual(["pending", "pending"]);
    });
});

describe("sweeping", () => {
    /** A load of another worker, which the session of this name writes. */
    async function loadOf(applicationName: string, state: string): Promise<number> {
        const [load] = await sql<{ loadId: number }[]>`
            insert into ingest.loads (worker_id, backend_pid, backend_start, way, state)
            select ${other}, pid, backend_start, 'verbatim', ${state}
            from pg_stat_activity
            where application_name = ${applicationName}
            returning load_id as "loadId"`;
        return load!.loadId;
    }

    test("takes the rows of merged chunks, and says how many they were", async () => {
        await stageFile(sql, [event(1), event(2)]);
        await stageFile(sql, [event(3)]);
        await merge(sql);
        expect(await sweep()).toBe(3);
        expect([await stagedRows(), await loadStates()]).toEqual([0, ["swept", "swept"]]);
        expect(await sweep()).toBe(0);
    });

    test("promise 5: never takes a row of a load that counts, is half merged, or is still being written", async () => {
        await stageFile(sql, [event(1), event(2)]);
        expect([await sweep(), await stagedRows()]).toEqual([0, 2]);
        await merge(sql, { slices: 0b10 });
        expect([await sweep(), await stagedRows()]).toEqual([0, 2]);
        await merge(sql);

        // Begun by another session, so that it is not this worker's load between two loads.
        const session = openSession(database, "copying");
        await takeLease(sql);
        await session`begin`;
        const loadId = await loadOf("copying", "loading");
        await insertStaged(session, { loadId, chunkId: 1_000 }, [event(3)]);
        await sweep();
        await session`commit`;
        const [kept] = await sql`select count(*) as rows from ingest.staging where load_id = ${loadId}`;
        expect(kept).toEqual({ rows: 1 });
    });

    test("keeps what an abandoned load wrote until its backend is gone, and takes it then", async () => {
        const session = openSession(database, "slow backend");
        await session`select 1`;
        await takeLease(sql);
        const loadId = await loadOf("slow backend", "abandoned");
        await insertStaged(session, { loadId, chunkId: 1 }, [event(1)]);
        await sweep();
        expect([await stagedRows(), await loadStates()]).toEqual([1, ["abandoned"]]);
        await closeSessions();
        await whenGone("slow backend");
        await sweep();
        expect([await stagedRows(), await loadStates()]).toEqual([0, ["swept"]]);
    });

    test("leaves rows that somebody reads for the next time, and waits for nobody", async () => {
        await stageFile(sql, [event(1)]);
        await merge(sql);
        const reader = openSession(database);
        await reader`begin`;
        await reader`select count(*) from ingest.staging`;
        // Would wait for the reader for ever: the test's time limit is the bound.
        await sweep();
        await reader`rollback`;
        await sweep();
        expect([await stagedRows(), await loadStates()]).toEqual([0, ["swept"]]);
    });

    test("is for who holds the lease, or finds it free", async () => {
        await stageFile(sql, [event(1)]);
        await merge(sql);
        expect([await sweep(other), await stagedRows()]).toEqual([0, 1]);
        await sql`select ingest.retire_worker(${worker})`;
        expect([await sweep(other), await stagedRows()]).toEqual([1, 0]);
    });

    test("does not disturb a merge beside it", async () => {
        await stageFile(sql, [event(0), event(1)]);
        const session = openSession(database);
        await session`begin`;
        await merge(session, { slices: 0b1 });
        await sweep();
        await session`commit`;
        expect(await merge(sql)).toMatchObject({ read: 1, inserted: 1 });
    });
});

describe("the lanes of staging", () => {
    /** As if the load had brought so many records: by default as many as make any lane full. */
    const fill = (loadId: number, records = 2_000_000) =>
        sql`update ingest.loads set records = ${records} where load_id = ${loadId}`;
    async function rowsByLane(): Promise<Record<string, number>> {
        const rows = await sql<{ lane: number; rows: number }[]>`
            select lane, count(*) as rows from ingest.staging group by lane order by lane`;
        return Object.fromEntries(rows.map(({ lane, rows: count }) => [lane, count]));
    }
    async function lanes(): Promise<number[]> {
        const rows = await sql<{ lane: number }[]>`select lane from ingest.loads order by load_id`;
        return rows.map(({ lane }) => lane);
    }

    test("are filled one after the other, and a full one is left for an empty one", async () => {
        for (let load = 0; load < 14; load += 1) {
            const { loadId } = await stageFile(sql, [event(load)]);
            if (load % 2 === 1) await fill(loadId);
        }
        // When all six are full, it stays at the last.
        expect(await lanes()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5]);
        expect(await rowsByLane()).toEqual({ 0: 2, 1: 2, 2: 2, 3: 2, 4: 2, 5: 4 });
        expect(await merge(sql)).toMatchObject({ chunks: 14, read: 14, inserted: 14 });
    });

    test("hold the more, the more of them are in use: a backlog does not run out of them at once", async () => {
        for (let load = 0; load < 6; load += 1) await fill((await stageFile(sql, [event(load)])).loadId, 6_000);
        expect(await lanes()).toEqual([0, 1, 1, 1, 1, 2]);
    });

    test("are truncated each on its own, once all of their loads are spent", async () => {
        const first = await stageFile(sql, [event(1)]);
        await fill(first.loadId);
        await stageFile(sql, [event(2)]);
        await stageFile(sql, [event(3)]);
        await merge(sql, { maxChunks: 2 });
        await sweep();
        // The second load is spent too, but shares its lane with one that counts.
        expect([await rowsByLane(), await loadStates()]).toEqual([{ 1: 2 }, ["swept", "staged", "staged"]]);
        await stageFile(sql, [event(4)]);
        expect(await merge(sql)).toMatchObject({ chunks: 2, inserted: 2 });
        await sweep();
        expect([await rowsByLane(), await loadStates()]).toEqual([{}, ["swept", "swept", "swept", "swept"]]);
    });

    test("of which one is read by a slow merge do not keep another from being truncated", async () => {
        const first = await stageFile(sql, [event(1)]);
        await fill(first.loadId);
        await merge(sql);
        await stageFile(sql, [event(2)]);
        const session = openSession(database);
        await session`begin`;
        expect(await merge(session)).toMatchObject({ inserted: 1 });
        await sweep();
        expect(await rowsByLane()).toEqual({ 1: 1 });
        await session`commit`;
        await sweep();
        expect(await rowsByLane()).toEqual({});
    });
});

test("a load that ends while another worker takes over counts, and is not abandoned", async () => {
    const session = openSession(database);
    await takeLease(sql);
    const fileId = await registerFile(sql, "a.csv");
    const { loadId, chunkIds } = await beginLoad(session);
    await insertStaged(sql, { loadId, chunkId: chunkIds[0]! }, [event(1)]);
    await takeLease(sql, worker, expired);
    const takeover = await meet(
        database,
        (recording) => recordLoad(recording, loadId, [chunkRecord({ chunkId: chunkIds[0]!, fileId }, [event(1)])]),
        () => takeLease(sql, other),
    );
    expect(takeover).toBe(true);
    expect([await chunkStates(sql), await loadStates()]).toEqual([["staged"], ["staged"]]);
    expect(await merge(sql)).toMatchObject({ inserted: 1 });
});
