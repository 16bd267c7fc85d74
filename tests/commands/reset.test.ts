import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planReset, resetDatabase } from "../../src/operations/reset-database.ts";
import { makeFolder, useDatabase, useFolder } from "../support/fixture.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runScript } from "../support/run-script.ts";
import { whenWaiting } from "../support/sessions.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useDatabase(import.meta.path);
const folder = useFolder();

/** Tables that a reset leaves as they are. A new table of the schema must be put here or into sql/engine/reset.sql. */
const keptTables = [
    "ingest.deferred_indexes",
    "ingest.applied_sql",
    "ingest.event_types",
    "ingest.loader_lease",
    "ingest.migrations",
    "ingest.notifier",
    "ingest.slices",
    "ingest.streams",
    "ingest.workers",
];

beforeEach(async () => {
    writeFileSync(join(folder, "a.csv"), "event_id\n");
    await database.sql`select from ingest.reset()`;
    await database.sql.unsafe(await Bun.file(join(import.meta.dir, "../checks/consistent-ledger.sql")).text());
    // What only upserts and notifications, of both directions, leave.
    await database.sql`
        with gone as (insert into ingest.tombstones (key, chunk_id, record_no) values ('tea', 1, 1)),
        told as (insert into ingest.told_states (stream_id, told, seen, seen_since, version) values (0, 'ok', 'ok', now(), 1)),
        sent as (insert into ingest.notifications (message_id, body) values ('msg_1', '{}')),
        hinted as (insert into ingest.hints (stream_id, path) values (0, 'a.csv'))
        insert into ingest.history (what, chunk_id, record_no, batch_id, key, record) values ('deleted', 1, 1, 1, 'tea', '{}')`;
});
afterEach(async () => {
    await database.sql`delete from ingest.workers`;
});

const reset = (...args: string[]) => runScript("reset", ["--database-url", database.url, "--input", folder, ...args]);

async function countRows(): Promise<Record<string, number>> {
    const tables = await database.sql<{ name: string }[]>`
        select format('%s.%s', pg_class.relnamespace::regnamespace, pg_class.relname) as name
        from pg_class
        where
            pg_class.relnamespace in ('public'::regnamespace, 'ingest'::regnamespace)
            and pg_class.relkind in ('r', 'p')
            -- Lanes of staging are counted with it.
            and not pg_class.relispartition
        order by 1`;
    const counts = tables.map(async ({ name }) => {
        const [row] = await database.sql.unsafe<[{ count: number }]>(`select count(*)::int as count from ${name}`);
        return [name, row.count] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
}

async function startWorker(leaseUntil: string): Promise<void> {
    await database.sql.unsafe(`
        insert into ingest.workers (worker_id, host, pid, input_dir, lease_until)
        values (gen_random_uuid(), 'mill', 4711, 'data/input_data', ${leaseUntil})`);
}

test("shows what will go and how much of it, and clears every table but those that are no history", async () => {
    const before = await countRows();
    const { exitCode, stdout } = await reset("--yes");
    const after = await countRows();

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^ +${before["public.events"]} {2}events$`, "m"));
    expect(stdout).toMatch(new RegExp(`^ +${before["ingest.rejects"]} {2}rejects and conflicts$`, "m"));
    expect(stdout).toMatch(new RegExp(`^ +${before["ingest.files"]} {2}known files$`, "m"));
    expect(stdout).toEndWith("\nDone.\n");
    expect(Object.keys(before).filter((name) => before[name] === 0 && !keptTables.includes(name))).toEqual([]);
    expect(after).toEqual(
        Object.fromEntries(
            Object.entries(before).map(([name, count]) => [name, keptTables.includes(name) ? count : 0]),
        ),
    );
    expect(existsSync(join(folder, "a.csv"))).toBe(true);
});

test("at a terminal the plan comes first, and only a yes goes on", async () => {
    const args = ["--database-url", database.url, "--input", folder];
    const before = await countRows();
    const refused = runOnTerminal("reset", args);
    await waitUntil("it asks", () => refused.output().includes("Go on? [y/N] "));
    expect(refused.output()).toContain("events\r\n");
    refused.write("n\n");
    expect(await refused.exited).toBe(1);
    expect(await countRows()).toEqual(before);

    const agreed = runOnTerminal("reset", args);
    await waitUntil("it asks", () => agreed.output().includes("Go on? [y/N] "));
    agreed.write("y\n");
    expect(await agreed.exited).toBe(0);
    expect((await countRows())["public.events"]).toBe(0);
});

test("--json says what has gone, alone on stdout", async () => {
    const before = await countRows();
    const { exitCode, stdout } = await reset("--yes", "--json");

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ events: before["public.events"], deletedFiles: [] });
});

test("no id is used twice", async () => {
    const nextFileId = async () => {
        const [row] = await database.sql<[{ id: number }]>`select nextval('ingest.files_file_id_seq')::int as id`;
        return row.id;
    };
    const before = await nextFileId();
    await resetDatabase(database.sql);

    expect(await nextFileId()).toBe(before + 1);
});

test("without a terminal and without --yes should fail as usage, and changes nothing", async () => {
    const before = await countRows();
    const { exitCode, stdout, stderr } = await reset("--delete-files");

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("Give --yes if you are sure.");
    expect(await countRows()).toEqual(before);
    expect(readdirSync(folder)).toEqual(["a.csv"]);
});

test("refuses while an ingest is running, naming host and pid, and changes nothing", async () => {
    await startWorker("clock_timestamp() + interval '10 seconds'");
    const before = await countRows();
    const { exitCode, stderr } = await reset("--yes", "--delete-files");

    expect(exitCode).toBe(1);
    expect(stderr).toContain("An ingest is running (pid 4711 on mill); nothing was changed.");
    expect(await countRows()).toEqual(before);
    expect(readdirSync(folder)).toEqual(["a.csv"]);
});

test("an ingest whose lease has run out is not running", async () => {
    await startWorker("clock_timestamp() - interval '1 second'");

    await planReset(database.sql);
    await resetDatabase(database.sql);
});

test("an ingest that starts after the plan was shown is seen all the same", async () => {
    await planReset(database.sql);
    await startWorker("clock_timestamp() + interval '10 seconds'");
    const before = await countRows();

    await expect(resetDatabase(database.sql)).rejects.toMatchObject({ code: "ingest_running" });
    expect(await countRows()).toEqual(before);
});

test("an ingest that starts during the reset waits until it is done", async () => {
    const sql = database.sql;
    let started = Promise.resolve();
    await sql.begin(async (transaction) => {
        await transaction`select from ingest.reset()`;
        started = startWorker("clock_timestamp() + interval '10 seconds'");
        await whenWaiting(sql);
    });
    await started;

    expect(await sql`select from ingest.workers where lease_until > clock_timestamp()`).toHaveLength(1);
});

test("all or nothing: a table that cannot be cleared keeps all the others", async () => {
    const before = await countRows();
    await database.sql.unsafe(`
        create function refuse_truncate() returns trigger language plpgsql as 'begin raise exception ''no''; end';
        create trigger refuse before truncate on ingest.event_stats execute function refuse_truncate()`);
    try {
        expect((await reset("--yes", "--delete-files")).exitCode).toBe(1);
        expect(await countRows()).toEqual(before);
        expect(readdirSync(folder)).toEqual(["a.csv"]);
    } finally {
        await database.sql`drop function refuse_truncate cascade`;
    }
});

test("tables that somebody holds are not waited for without end", async () => {
    const before = await countRows();
    await database.sql.begin(async (transaction) => {
        await transaction`lock table ingest.chunks in access share mode`;
        expect(await resetDatabase(database.sql).catch((error) => error)).toMatchObject({ code: "tables_in_use" });
    });

    expect(await countRows()).toEqual(before);
}, 30_000);

test("--delete-files deletes the regular CSV files of the folder and nothing else", async () => {
    const elsewhere = makeFolder();
    writeFileSync(join(elsewhere, "kept.csv"), "");
    symlinkSync(join(elsewhere, "kept.csv"), join(folder, "link.csv"));
    mkdirSync(join(folder, "folder.csv"));
    writeFileSync(join(folder, "folder.csv", "inner.csv"), "");
    for (const name of ["b.CSV", "notes.txt", "c.csv.part", ".hidden.csv", "_writing.csv"])
        writeFileSync(join(folder, name), "x");
    const { exitCode, stdout } = await reset("--yes", "--delete-files");

    expect(exitCode).toBe(0);
    expect(stdout).toContain(`2 files in ${folder} (10 B) will be deleted.`);
    expect(readdirSync(folder).sort()).toEqual([
        ".hidden.csv",
        "_writing.csv",
        "c.csv.part",
        "folder.csv",
        "link.csv",
        "notes.txt",
    ]);
    expect(readdirSync(join(folder, "folder.csv"))).toEqual(["inner.csv"]);
    expect(readdirSync(elsewhere)).toEqual(["kept.csv"]);
});
