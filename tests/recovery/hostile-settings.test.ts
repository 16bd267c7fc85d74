/** Settings of a role, a database or postgresql.conf must neither stop an ingest nor change its result. */
import { afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { useIngestFixture } from "../support/ingest-fixture.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { expectSound } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const records = 60;
const fixture = useIngestFixture(import.meta.path);
const { database } = fixture;
let hasTransactionTimeout: boolean;

beforeAll(async () => {
    const [row] = await database.sql`select current_setting('transaction_timeout', true) is not null as "known"`;
    hasTransactionTimeout = row!.known;
    // Sixty records of ten milliseconds: a merge of all of them outlasts each time-out below.
    await database.sql`
        create function public.take_time() returns trigger language plpgsql
        as 'begin perform pg_sleep(0.01); return null; end'`;
    await database.sql`
        create trigger take_time after insert on public.events for each row execute function public.take_time()`;
});
beforeEach(() => fixture.put(1, records));
afterEach(async () => {
    await database.sql.unsafe(`alter database ${database.target.database} reset all`);
});

async function setDatabase(settings: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(settings)) {
        await database.sql.unsafe(`alter database ${database.target.database} set ${name} = '${value}'`);
    }
}

test("time-outs that are shorter than a merge, in the database's own settings", async () => {
    await setDatabase({
        statement_timeout: "300ms",
        lock_timeout: "100ms",
        idle_in_transaction_session_timeout: "100ms",
        idle_session_timeout: "100ms",
        ...(hasTransactionTimeout && { transaction_timeout: "400ms" }),
    });
    const { exitCode, summary, stderr } = await ingestOnce(database.url, fixture.inputDir);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(summary!.records).toMatchObject({ read: records, inserted: records });
    expect(summary!.files).toEqual({ merged: 1, skipped: 0, failed: 0 });
    await expectSound(database.sql);
});

test.each<[string, Record<string, string>]>([
    ["serializable", { default_transaction_isolation: "serializable", default_transaction_deferrable: "on" }],
    ["repeatable read", { default_transaction_isolation: "repeatable read", synchronous_commit: "off" }],
    ["little memory", { work_mem: "64kB", hash_mem_multiplier: "1", plan_cache_mode: "force_generic_plan" }],
    ["other plans", { enable_hashjoin: "off", enable_hashagg: "off", enable_sort: "off", enable_indexscan: "off" }],
    [
        "other texts",
        { bytea_output: "escape", extra_float_digits: "-15", intervalstyle: "iso_8601", array_nulls: "off" },
    ],
    ["no row security", { row_security: "off", standard_conforming_strings: "on", client_min_messages: "debug5" }],
    ["a strict plpgsql", { "plpgsql.extra_errors": "all", "plpgsql.extra_warnings": "all" }],
    ["another search path", { search_path: "pg_temp", check_function_bodies: "off", transform_null_equals: "on" }],
    ["no foreign keys", { session_replication_role: "replica", parallel_setup_cost: "0", jit_above_cost: "0" }],
])("%s as the database's default", async (_, settings) => {
    await setDatabase(settings);
    const { exitCode, summary, stderr } = await ingestOnce(database.url, fixture.inputDir, ["--check"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(summary!.records).toMatchObject({ read: records, inserted: records });
});

test("commands end as they should beside a statement_timeout of a millisecond", async () => {
    await ingestOnce(database.url, fixture.inputDir);
    await setDatabase({ statement_timeout: "1ms", default_transaction_isolation: "serializable" });
    const environment = { DATABASE_URL: database.url };
    for (const [name, ...args] of [
        ["migrate"],
        ["status"],
        ["doctor", "--input", fixture.inputDir, "--port", "0"],
        ["try", join(fixture.inputDir, "00000000.csv")],
        ["replay"],
        ["prune", "--older-than", "1d", "--yes"],
        ["check"],
        ["files"],
        ["reset", "--yes"],
    ] as [string, ...string[]][]) {
        const ended = await runScript(name, args, { environment });
        expect({ name, exitCode: ended.exitCode, stderr: ended.stderr }).toMatchObject({ exitCode: 0 });
    }
});

test("a person's own statement keeps to the limit that was set on the person, and hears so", async () => {
    await setDatabase({ statement_timeout: "200ms" });
    const ended = await runScript("sql", ["select pg_sleep(30)"], { environment: { DATABASE_URL: database.url } });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain("57014");
});

test("a database that becomes read only is waited for, said once, reported, and gone on with", async () => {
    const child = fixture.start();
    await fixture.whenInserted(records);
    await setDatabase({ default_transaction_read_only: "on" });
    const end = async () =>
        await database.sql`
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name like 'sluice-%'`;
    await end();
    await waitUntil("it says so", () => child.stderr().includes("25006: it is read-only"));
    await database.sql.unsafe(`alter database ${database.target.database} reset default_transaction_read_only`);
    await end();
    fixture.put(1);
    await fixture.whenInserted(records + 1);
    expect(child.stderr().split("25006").length - 1).toBeLessThanOrEqual(2);
});

test("a database that is read only from the start is refused by name", async () => {
    await setDatabase({ default_transaction_read_only: "on" });
    const { exitCode, stderr } = await ingestOnce(database.url, fixture.inputDir);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("database_read_only");
});
