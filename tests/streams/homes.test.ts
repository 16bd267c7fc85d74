/** The schema of a stream owes nothing: whatever of it is missing is made again. */
import { beforeAll, expect, test } from "bun:test";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { failureOf } from "../support/failure-of.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestConfig } from "../support/ingest-folder.ts";
import { ingestLines, makeOrderLines, orderLines, writeLines } from "../support/order-lines.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;
const folder = makeFolder();
let line = 100;

beforeAll(async () => {
    await makeOrderLines(sql);
    writeLines(folder);
    await ingestLines(database.target, folder);
});

async function ingestOneMore(): Promise<number> {
    line += 1;
    writeLines(folder, `${line}.csv`, [`8,${line},1`]);
    return (await ingestLines(database.target, folder)).records.inserted;
}

/** The functions of the engine are dropped and made anew, as by a new version. */
async function applyEngineAnew(): Promise<void> {
    await sql`update ingest.applied_sql set content_hash = ''`;
    expect((await migrateDatabase(database.target, { log() {} })).sqlFiles).toBe(true);
}

test.each([
    ["the whole schema, as after the restore of a dump without it", "drop schema ingest_order_lines cascade"],
    ["a function", "drop function ingest_order_lines.insert_or_refuse() cascade"],
    ["the staging table", "drop table ingest_order_lines.staging cascade"],
])("%s", async (_, damage) => {
    await sql.unsafe(damage);
    expect(await ingestOneMore()).toBe(1);
    expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
});

test("when the engine's SQL was applied anew, a stream's is too, and its index stays", async () => {
    const oidOf = async () => {
        const [found] = await sql<{ index: number; function: number }[]>`
            select
                (select oid::bigint from pg_class where relname like 'rejects_of_stream_1_%') as index,
                (select oid::bigint from pg_proc where pronamespace = 'ingest_order_lines'::regnamespace and proname = 'insert_or_refuse') as function`;
        return found!;
    };
    const before = await oidOf();
    await applyEngineAnew();
    expect(await ingestOneMore()).toBe(1);
    const after = await oidOf();
    expect(after.index).toBe(before.index);
    expect(after.function).not.toBe(before.function);
});

test("an ingest that runs meanwhile goes on by itself", async () => {
    const stream = await applyStream(database.target, orderLines);
    const stopper = new AbortController();
    const running = runIngest({
        target: database.target,
        streams: [stream],
        sourcesOf: ({ source }) => (source === null ? [] : [source]),
        refresh: () => applyStream(database.target, orderLines),
        config: { ...ingestConfig(folder), trigger: { kind: "continuous" } },
        signal: stopper.signal,
        log: { info() {}, warn() {}, error() {} },
    });
    const stored = async (no: number) => (await sql`select from sales.order_lines where "Line" = ${no}`).length === 1;
    writeLines(folder, "before.csv", ["9,1001,1"]);
    await waitUntil("it is stored", () => stored(1001));
    await applyEngineAnew();
    await sql`drop function ingest_order_lines.insert_or_refuse() cascade`;
    writeLines(folder, "after.csv", ["9,1002,1"]);
    await waitUntil("it is stored", () => stored(1002));
    stopper.abort();
    await running;
    expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
});

test("a schema of that name that Sluice did not make is left alone", async () => {
    await sql.unsafe(
        "create schema ingest_theirs; create table ingest_theirs.t (); create table theirs (id int primary key)",
    );
    const failure = await failureOf(applyStream(database.target, { ...orderLines, name: "theirs", table: "theirs" }));
    expect(failure).toMatchObject({ code: "home_taken" });
    expect(await sql`select to_regclass('ingest_theirs.t')::text as t`).toMatchObject([{ t: "ingest_theirs.t" }]);
});
