/** reset and remove with streams beside the built-in one: what goes, what stays, and how a stream comes back. */
import { beforeEach, expect, test } from "bun:test";
import { runChecks } from "../../src/operations/run-checks.ts";
import { idOf, makeFolder, shopCsv, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { ingestLines, makeOrderLines, writeLines } from "../support/order-lines.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;
const folder = makeFolder();
const events = makeFolder();
const run = (name: string, ...args: string[]) => runScript(name, [...args, "--database-url", database.url]);

/** Rows of every table of the ledger, by stream. */
async function ledger(): Promise<Record<string, number[]>> {
    const rows = await sql<{ name: string; counts: number[] }[]>`
        with counted as (
            select 'files' as name, stream_id from ingest.files union all
            select 'chunks', stream_id from ingest.chunks union all
            select 'loads', stream_id from ingest.loads union all
            select 'batches', stream_id from ingest.batches union all
            select 'rejects', stream_id from ingest.rejects union all
            select 'totals', stream_id from ingest.totals union all
            select 'reject_stats', stream_id from ingest.reject_stats union all
            select 'file_stats', stream_id from ingest.file_stats
        )
        select name, array[count(*) filter (where stream_id = 0), count(*) filter (where stream_id = 1)]::integer[] as counts
        from counted group by name order by name`;
    return Object.fromEntries(rows.map(({ name, counts }) => [name, counts]));
}

async function startWorker(streamId: number): Promise<void> {
    await sql`
        insert into ingest.workers (stream_id, worker_id, host, pid, input_dir, lease_until)
        values (${streamId}, gen_random_uuid(), 'mill', 4711, 'inbox', now() + interval '1 hour')`;
}

const countLines = async () => (await sql`select from sales.order_lines`).length;
const failedChecks = async () => (await runChecks(sql)).filter(({ passed }) => !passed);

beforeEach(async () => {
    await sql`delete from ingest.workers`;
    await sql`select from ingest.reset()`;
    await sql`drop table if exists sales.order_lines`;
    await makeOrderLines(sql);
    writeLines(folder);
    await Bun.write(`${events}/a.csv`, shopCsv(`${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1.50`, "bad"));
    await ingestFolder(database.target, events);
    await ingestLines(database.target, folder);
});

test("a reset of all empties every staging and the ledger, and says what stays", async () => {
    await sql`insert into ingest_order_lines.staging (load_id, chunk_id, record_no, slice_no) values (1, 1, 1, 0)`;
    const { stdout, exitCode } = await run("reset", "--yes");

    expect(exitCode).toBe(0);
    expect(stdout).toContain("sales.order_lines keeps its 2 rows: they are yours.");
    expect(await countLines()).toBe(2);
    expect(await sql`select from ingest_order_lines.staging`).toHaveLength(0);
    expect(await sql`select from events`).toHaveLength(0);
    expect(await ledger()).toEqual({});
    const { records } = await ingestLines(database.target, folder);
    expect(records).toMatchObject({ read: 8, inserted: 0, duplicate: 3, conflict: 2, rejected: 3 });
    expect(await failedChecks()).toEqual([]);
});

test("a reset of one stream leaves the others as they were, even at work", async () => {
    const before = await ledger();
    await startWorker(0);
    const { stdout, exitCode } = await run("reset", "--stream", "order_lines", "--yes");

    expect(exitCode).toBe(0);
    expect(stdout).toContain(" of the stream order_lines will be deleted:\n");
    expect(stdout).not.toMatch(/^ +\d+ {2}events$/m);
    expect(await countLines()).toBe(2);
    expect(await ledger()).toEqual(
        Object.fromEntries(
            Object.entries(before).flatMap(([name, [ofEvents = 0]]) => (ofEvents === 0 ? [] : [[name, [ofEvents, 0]]])),
        ),
    );
    expect(await failedChecks()).toEqual([]);
});

test("a reset of events alone empties events", async () => {
    const { exitCode } = await run("reset", "--stream", "events", "--yes");
    expect(exitCode).toBe(0);
    expect(await sql`select from events`).toHaveLength(0);
    expect((await ledger()).files).toEqual([0, 1]);
    expect(await failedChecks()).toEqual([]);
});

test.each<[string, ...string[]]>([
    ["reset", "--yes"],
    ["reset", "--stream", "order_lines", "--yes"],
    ["remove", "order_lines"],
])("%s %s is refused while an ingest works on it", async (name, ...args) => {
    await startWorker(1);
    const before = await ledger();
    const { exitCode, stderr } = await run(name, ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ingest_running");
    expect(await ledger()).toEqual(before);
    expect(await sql`select to_regclass('ingest_order_lines.staging') as staging`).not.toEqual([{ staging: null }]);
});

test("remove drops the schema and keeps the rest; the next ingest brings it back", async () => {
    const before = await ledger();
    const { exitCode, stdout } = await run("remove", "order_lines");

    expect(exitCode).toBe(0);
    expect(stdout).toContain("To bring it back: bun run ingest --database-url … --table sales.order_lines.");
    expect(await sql`select to_regnamespace('ingest_order_lines')::text as home`).toMatchObject([{ home: null }]);
    expect(await ledger()).toEqual(before);
    expect(await countLines()).toBe(2);
    expect(await failedChecks()).toEqual([]);
    const trace = await run("trace", "order_id=7,line=2");
    expect(trace.stderr).toContain("stream_removed");
    expect((await run("reset", "--yes")).exitCode).toBe(0);

    writeLines(folder, "more.csv", ["8,1,1"]);
    expect((await ingestLines(database.target, folder)).records.inserted).toBe(1);
    expect(await sql`select is_active as "isActive" from ingest.streams where stream_id = 1`).toMatchObject([
        { isActive: true },
    ]);
});

test("the built-in stream is not removed that way, and an unknown one is named", async () => {
    expect((await run("remove", "events")).stderr).toContain("streams: { events: false }");
    expect((await run("remove", "order_line")).stderr).toContain("Did you mean order_lines?");
});
