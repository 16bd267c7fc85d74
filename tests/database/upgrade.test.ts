/** A database of version 0.1.0, with data and half of a backlog, is brought to this version in place, and an ingest goes on. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { createBareDatabase, type TestDatabase } from "../support/database.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { readFileStates, readTables } from "../support/read-tables.ts";
import { projectDir } from "../support/test-server.ts";
import { filesOf010 } from "./files-0.1.0.ts";

let database: TestDatabase;
let dir: string;
beforeAll(async () => {
    database = await createBareDatabase(import.meta.path);
    dir = mkdtempSync(join(tmpdir(), "sluice-upgrade-"));
});
afterAll(async () => {
    await database.drop();
    rmSync(dir, { recursive: true, force: true });
});

const failedChecks = async () =>
    (await runChecks(database.sql)).filter(({ passed }) => !passed).map(({ name, error }) => error ?? name);

/** The tables of 0.1.0, and of what can be made again the staging table alone. */
async function migrateTo010(): Promise<void> {
    cpSync(join(projectDir, "drizzle"), join(dir, "drizzle"), { recursive: true });
    const journalFile = join(dir, "drizzle/meta/_journal.json");
    const journal = JSON.parse(readFileSync(journalFile, "utf8"));
    journal.entries = journal.entries.filter(({ idx }: { idx: number }) => idx <= 8);
    writeFileSync(journalFile, JSON.stringify(journal));
    for (const folder of ["sql/engine", "sql/events", "sql/rendered/events"])
        mkdirSync(join(dir, folder), { recursive: true });
    const lanes = "create function ingest.lanes() returns smallint[] return '{0,1,2,3,4,5}'::smallint[];\n";
    const staging = readFileSync(join(projectDir, "sql/rendered/events/1_staging.sql"), "utf8");
    writeFileSync(join(dir, "sql/engine/staging.sql"), lanes + staging);
    await migrateDatabase(database.target, { log: () => {}, rootDir: dir, programVersion: "0.0.1" });
}

/** ledger-0.1.0.jsonl is what the program of 0.1.0 left: each line a row, without its nulls. */
async function fillTables(): Promise<void> {
    const lines = readFileSync(join(import.meta.dir, "ledger-0.1.0.jsonl"), "utf8")
        .trim()
        .split("\n");
    // In the order of their names: the foreign keys are looked at by nobody.
    await database.sql.begin(async (transaction) => {
        await transaction`set local session_replication_role = replica`;
        for (const line of lines) {
            const { table, row } = JSON.parse(line) as { table: string; row: Record<string, unknown> };
            const columns = Object.keys(row).join(", ");
            await transaction.unsafe(
                `insert into ${table} (${columns}) overriding system value
                select ${columns} from jsonb_populate_record(null::${table}, $1::text::jsonb)`,
                [JSON.stringify(row)],
            );
        }
        for (const [table, column] of Object.entries({
            files: "file_id",
            loads: "load_id",
            chunks: "chunk_id",
            batches: "batch_id",
            rejects: "reject_id",
        })) {
            await transaction.unsafe(
                `select setval(pg_get_serial_sequence('ingest.${table}', '${column}'), max(${column})) from ingest.${table}`,
            );
        }
    });
}

/** The file of each table's rows: another one when the table was rewritten. */
async function storedIn(): Promise<Record<string, number>> {
    const rows = await database.sql<{ name: string; node: number }[]>`
        select relname as name, pg_relation_filenode(oid)::integer as node from pg_class
        where relnamespace in ('ingest'::regnamespace, 'public'::regnamespace) and relkind = 'r'
        and relname in ('events', 'files', 'loads', 'chunks', 'batches', 'rejects', 'reject_stats', 'totals')`;
    return Object.fromEntries(rows.map(({ name, node }) => [name, node]));
}

test("the upgrade rewrites no table, all adds up after it, and the ingest goes on where the old program stood", async () => {
    await migrateTo010();
    await fillTables();
    await database.sql`update ingest.loads set way = 'tolerant' where load_id = 4`;
    const before = await storedIn();

    const { migrations } = await migrateDatabase(database.target, { log: () => {} });

    expect(migrations).toContain("drizzle/0013_streams.sql");
    expect(await storedIn()).toEqual(before);
    expect(await failedChecks()).toEqual([]);
    const [streams] = await database.sql`
        select
            (select json_agg(streams.name) from ingest.streams) as streams,
            (select count(*) from ingest.slices where stream_id = 0) as slices,
            (select json_agg(distinct stream_id) from ingest.rejects) as rejects,
            (select json_agg(way order by load_id) from ingest.loads) as ways`;
    const ways = ["verbatim", "replay", "verbatim", "parsed"];
    expect({ ...streams }).toEqual({ streams: ["events"], slices: 16, rejects: [0], ways });

    const inputDir = join(dir, "input");
    mkdirSync(inputDir);
    for (const [name, text] of Object.entries(filesOf010)) writeFileSync(join(inputDir, name), text);
    const summary = await ingestFolder(database.target, inputDir);

    expect(await failedChecks()).toEqual([]);
    expect(await readFileStates(database.sql)).toEqual({
        "a.csv": "merged",
        "b.csv": "merged",
        "broken.csv": "failed header_missing_columns",
        "c.csv": "merged",
        "copy.csv": "skipped copy",
        "d.csv": "merged",
    });
    const { events, rejects, counts } = await readTables(database.sql);
    // a: 9 read, 4 in, 1 again, 1 other, 3 refused, of which 1 was replayed; b: 17, 16 and 1 again; c: 3, 1 in, 1 other, 1 refused; d: 2.
    expect(counts).toEqual({
        read: 9 + 1 + 17 + 3 + 2,
        inserted: 4 + 1 + 16 + 1 + 1,
        duplicate: 1 + 1 + 1,
        conflict: 2,
        rejected: 4,
    });
    expect(events).toHaveLength(23);
    expect(rejects).toHaveLength(6);
    expect(summary.records.read).toBe(8 + 3 + 2);
});

test.each([
    ["ingest.files", "state = 'gone'"],
    ["ingest.loads", "state = 'gone'"],
    ["ingest.loads", "way = 'some'"],
    ["ingest.chunks", "state = 'gone'"],
    ["ingest.batches", "kind = 'other'"],
    ["ingest.rejects", "kind = 'other'"],
    ["ingest.rejects", "resolution = 'other'"],
    ["ingest.streams", "mode = 'other'"],
])("should fail: %s takes no %s, in what was there before either", async (table, change) => {
    await expect(database.sql.unsafe(`update ${table} set ${change}`)).rejects.toMatchObject({ code: "23514" });
});
