/** A database of version 0.1.0, with data and half of a backlog, is brought to this version in place, and an ingest goes on. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { createBareDatabase, type TestDatabase } from "../support/database.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { readFileStates, readTables } from "../support/read-tables.ts";
import { makeDatabaseOf010 } from "./database-0.1.0.ts";
import { filesOf010, statesOf010 } from "./files-0.1.0.ts";

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

/** The file of each table's rows: another one when the table was rewritten. */
async function storedIn(): Promise<Record<string, number>> {
    const rows = await database.sql<{ name: string; node: number }[]>`
        select relname as name, pg_relation_filenode(oid)::integer as node from pg_class
        where relnamespace in ('ingest'::regnamespace, 'public'::regnamespace) and relkind = 'r'
        and relname in ('events', 'files', 'loads', 'chunks', 'batches', 'rejects', 'reject_stats', 'totals')`;
    return Object.fromEntries(rows.map(({ name, node }) => [name, node]));
}

test("the upgrade rewrites no table, all adds up after it, and the ingest goes on where the old program stood", async () => {
    await makeDatabaseOf010(database, dir);
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
    expect(await readFileStates(database.sql)).toEqual(statesOf010);
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
