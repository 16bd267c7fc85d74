/** Snapshots of one stream under two merges at a time: a failure is that of its own file, and a merge that has begun decides. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { takeLoaderLease } from "../../src/engine/ledger/worker-leases.ts";
import { loadAll } from "../../src/engine/load/load-files.ts";
import type { Loader } from "../../src/engine/load/loader.ts";
import { allSlices } from "../../src/engine/merge/batch-size.ts";
import { callMerge, createMerger } from "../../src/engine/merge/merge-batch.ts";
import type { Outage } from "../../src/engine/outage/outage.ts";
import { createWakeUp } from "../../src/engine/outage/wake-up.ts";
import { createStagingRoom } from "../../src/engine/stage/staging-room.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { discoverAll, openTestIngest, type TestIngest, testLoader } from "../ingest/ingest-context.ts";
import { afterTest } from "../support/at-end.ts";
import { useDatabase } from "../support/fixture.ts";
import { emptyTables, expectChecksToPass } from "../support/read-tables.ts";
import { meet, openSession, whenWaiting } from "../support/sessions.ts";
import { anyRemoval, makeProducts, readFiles, readProducts, snapshotOf, writeDays } from "../support/snapshots.ts";

setDefaultTimeout(60_000);

const database = useDatabase(import.meta.path);
const { sql } = database;
let ingest: TestIngest;
let loader: Loader;

beforeEach(async () => {
    await sql.unsafe("drop schema if exists shop cascade");
    await makeProducts(sql);
    await emptyTables(sql);
    const stream = await applyStream(database.target, snapshotOf("shop.products", { ...anyRemoval, by: ["day"] }));
    ingest = await openTestIngest(database);
    afterTest(ingest.close);
    Object.assign(ingest.context, { stream });
    await takeLoaderLease(sql, stream.id, ingest.context.workerId, 3_600_000);
    loader = testLoader(ingest.context);
});

/** Lets the loader read what is in the folder, and release what is next. */
async function load(): Promise<void> {
    await discoverAll(loader);
    await loadAll(loader);
}

const request = { slices: allSlices, maxRecords: 500_000, maxChunks: 1_000 };

test("a merger that has met a refused file does not fail the one that another has released since", async () => {
    // In quotes: staged as text. A typed record would be read again before it is refused.
    writeDays(ingest.inputDir, "1.csv", ['1,2026-05-01,"pen",-1']);
    writeDays(ingest.inputDir, "2.csv", ["2,2026-05-02,cup,2"]);
    await load();
    let isFirst = true;
    const late = createMerger({
        ...ingest.context,
        // Between the merge that was refused and what follows from it.
        async checkTable() {
            if (!isFirst) return;
            isFirst = false;
            expect(await createMerger(ingest.context).merge(allSlices)).toBeNull();
            await loadAll(loader);
        },
    });
    expect(await late.merge(allSlices)).toMatchObject({ read: 1, inserted: 1 });
    expect(await readFiles(sql)).toEqual(["1.csv failed too_many_rejects", "2.csv merged"]);
    expect(await readProducts(sql)).toEqual(["2 cup 2.00"]);
    await expectChecksToPass(sql);
});

test("a file that is failed while a merge applies it is applied", async () => {
    writeDays(ingest.inputDir, "1.csv", ["1,2026-05-01,pen,1"]);
    await load();
    const [chunk] = await sql<
        { id: number }[]
    >`select chunk_id::integer as id from ingest.chunks where state = 'staged'`;
    const { stream } = ingest.context;
    const failed = await meet(
        database,
        (session) => callMerge({ ...ingest.context, sql: session }, randomUUID(), request),
        () => sql<{ path: string | null }[]>`
            select ingest.fail_released_snapshot(${stream.id}, ${chunk!.id}, 'merge_failed', 'By another.') as path`,
    );
    expect(failed[0]!.path).toBeNull();
    expect(await readFiles(sql)).toEqual(["1.csv merged"]);
    await expectChecksToPass(sql);
});

test("a released file that is rewritten before its merge keeps no other waiting for room", async () => {
    Object.assign(ingest.context.config, { maxBatchRecords: 3 });
    const day = (records: number) => Array.from({ length: records }, (_, no) => `${no + 1},2026-05-01,pen,1`);
    writeDays(ingest.inputDir, "1.csv", day(20));
    await load();
    writeDays(ingest.inputDir, "1.csv", day(21));
    const stands = { stand: () => () => {} } as unknown as Pick<Outage, "stand">;
    const room = createStagingRoom(ingest.context, createWakeUp(), AbortSignal.timeout(20_000), stands);
    loader = testLoader({ ...ingest.context, room });
    await load();
    await createMerger(ingest.context).merge(allSlices);
    expect(await readFiles(sql)).toEqual(["1.csv replaced rewritten", "1.csv#2 merged"]);
    expect(await readProducts(sql)).toHaveLength(21);
    await expectChecksToPass(sql);
});

test("a file that is rewritten while a merge applies it keeps its chunks, and the new version follows", async () => {
    writeDays(ingest.inputDir, "1.csv", ["1,2026-05-01,pen,1"]);
    await load();
    await sql.unsafe(`
        create function shop.wait() returns trigger language plpgsql as $$
        begin
            perform pg_advisory_xact_lock(18);
            return null;
        end $$;
        create trigger wait after insert on shop.products execute function shop.wait()`);
    const holder = openSession(database);
    await holder`select pg_advisory_lock(18)`;
    const merging = createMerger(ingest.context).merge(allSlices);
    await whenWaiting(sql);
    writeDays(ingest.inputDir, "1.csv", ["1,2026-05-01,pen,1", "2,2026-05-01,cup,2"]);
    // The loader finds the new version, and must not take back what is being applied.
    await load();
    const [chunks] = await sql`select count(*)::integer as staged from ingest.chunks where state = 'staged'`;
    expect(chunks).toEqual({ staged: 1 });
    await holder`select pg_advisory_unlock(18)`;
    expect(await merging).toMatchObject({ read: 1, inserted: 1 });
    expect(await readProducts(sql)).toEqual(["1 pen 1.00"]);
    await load();
    await createMerger(ingest.context).merge(allSlices);
    expect(await readProducts(sql)).toEqual(["1 pen 1.00", "2 cup 2.00"]);
    expect(await readFiles(sql)).toEqual(["1.csv replaced rewritten", "1.csv#2 merged"]);
    await expectChecksToPass(sql);
});

test.each([
    [
        "as text",
        async (stream: number) => {
            const [chunk] = await sql<
                { id: number }[]
            >`select chunk_id as id from ingest.chunks where state = 'staged'`;
            await sql`select ingest.stage_as_text(${stream}::smallint, ${chunk!.id})`;
        },
    ],
    [
        "because its staged rows were lost",
        async () => {
            await sql.unsafe("truncate ingest_products.staging");
            await createMerger(ingest.context).merge(allSlices);
        },
    ],
])("a released file that is read again %s keeps its turn", async (_, loseIt) => {
    const { stream } = ingest.context;
    for (const day of [1, 2]) writeDays(ingest.inputDir, `${day}.csv`, [`${day},2026-05-0${day},pen,1`]);
    await load();
    await loseIt(stream.id);
    const states = async () =>
        (
            await sql<{ line: string }[]>`
            select path || ' ' || files.state || ' ' || coalesce(string_agg(distinct chunks.state, ','), '') as line
            from ingest.files
            left join ingest.chunks using (file_id)
            group by file_id
            order by path`
        ).map(({ line }) => line);
    expect(await states()).toEqual(["1.csv pending ", "2.csv loaded held"]);
    // As a loader does that had looked for work just before.
    await sql`select from ingest.release_snapshot(${stream.id}::smallint)`;
    expect(await states()).toEqual(["1.csv pending ", "2.csv loaded held"]);
    await loadAll(loader);
    expect(await states()).toEqual(["1.csv loaded staged", "2.csv loaded held"]);
});
