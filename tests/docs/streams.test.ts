/** Every declaration, statement and command of docs/streams.md does what the page says, in order, on a clean copy. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { refusalOf } from "../../src/streams/catalog/refuse-table.ts";
import { useDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";
import { followDocument } from "./run-document.ts";

followDocument("docs/streams.md");

/** A table for each line of "What is refused", by its code; but for two lines that depend on who asks. */
const refused: Record<string, string> = {
    table_without_key: "create table tried.refused (a integer)",
    table_kind: "create view tried.refused as select 1 as id",
    table_trigger: `
        create table tried.refused (id integer primary key);
        create function tried.leave() returns trigger language plpgsql as 'begin return new; end';
        create trigger leave before insert on tried.refused for each row execute function tried.leave()`,
    table_rule: `
        create table tried.refused (id integer primary key);
        create rule nothing as on insert to tried.refused where false do instead nothing`,
    column_type: "create table tried.refused (id integer primary key, price money)",
    key_generated: "create table tried.refused (id integer generated always as identity primary key, name text)",
};
const byRole = ["table_row_security", "table_rights"];

const database = useDatabase(import.meta.path);
const page = readFileSync(join(projectDir, "docs/streams.md"), "utf8");
const codes = [...page.matchAll(/^\| .* \| `(\w+)` \| .* \|$/gm)].map(([, code]) => code!);

test("the page names a code for each table that is refused", () => {
    expect(codes.toSorted()).toEqual([...Object.keys(refused), ...byRole].toSorted());
});

test.each(Object.entries(refused))(
    "a table is refused as %s",
    async (code, ddl) => {
        const { sql } = database;
        await sql.unsafe(`drop schema if exists tried cascade; create schema tried; ${ddl}`).simple();
        const table = await readTable(sql, "tried.refused");
        expect(refusalOf(table!)?.code).toBe(code);
    },
    10_000,
);
