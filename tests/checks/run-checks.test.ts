import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFolder } from "../../src/operations/find-checks.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { filesIn } from "../../src/program.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

const run = (query: string) => runChecks(database.sql, { checks: [{ name: "it", asserts: "It holds.", query }] });

test("a file is a check: its leading comment is what it asserts, the rest the query", () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "b.sql"), "-- Nothing is\n-- wrong.\n\nselect 1 -- one; only\nwhere false;\n");
    writeFileSync(join(folder, "a.sql"), "-- A.\nselect 2;");
    writeFileSync(join(folder, "notes.txt"), "not a check");
    const checks = readFolder(filesIn(folder), ".");

    expect(checks).toEqual([
        { name: "a", asserts: "A.", query: "select 2" },
        { name: "b", asserts: "Nothing is wrong.", query: "select 1 -- one; only\nwhere false" },
    ]);
});

test("no row passes", async () => {
    expect(await run("select 1 as one where false -- a last comment")).toMatchObject([
        { passed: true, breakingRows: 0, sampleRows: [], error: null },
    ]);
});

test("counts all rows that break it, and gives five in the order of the query", async () => {
    const [result] = await run("select number from generate_series(1, 1000) as number order by number desc");

    expect(result).toMatchObject({ passed: false, breakingRows: 1000, error: null });
    expect(result?.sampleRows).toEqual([1000, 999, 998, 997, 996].map((number) => ({ number })));
});

test("a check that cannot run has not passed, and the others go on", async () => {
    const results = await runChecks(database.sql, {
        checks: [
            { name: "broken", asserts: "", query: "select * from no_such_table" },
            { name: "whole", asserts: "", query: "select where false" },
        ],
    });

    expect(results).toMatchObject([
        { passed: false, breakingRows: 0, error: expect.stringContaining("no_such_table") },
        { passed: true, error: null },
    ]);
});

test("a check that would write should fail, and changes nothing", async () => {
    const [result] = await run("insert into ingest.event_types values ('x') returning *");
    expect(result?.error).toMatch(/syntax|data-modifying|read-only/);

    const [, sequence] = await runChecks(database.sql, {
        checks: [
            {
                name: "delete",
                asserts: "",
                query: "with gone as (delete from ingest.event_types returning *) select from gone",
            },
            { name: "nextval", asserts: "", query: "select nextval('ingest.files_file_id_seq')" },
        ],
    });
    expect(sequence?.error).toContain("read-only transaction");
    expect(await database.sql`select from ingest.event_types where event_type = 'view'`).toHaveLength(1);
});

test("the connection is no longer read-only afterwards", async () => {
    const sql = database.sql;
    await run("select 1");

    expect(await sql`select current_setting('transaction_read_only') as "readOnly"`).toMatchObject([
        { readOnly: "off" },
    ]);
});
