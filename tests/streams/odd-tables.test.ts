/** Tables with names, texts, defaults and collations that a template could take for its own words. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "../../src/operations/run-checks.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;
const folder = mkdtempSync(join(tmpdir(), "sluice-odd-tables-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a table that `ddl` makes has taken of a file, and the code of each record that it did not. */
async function ingest(ddl: string, table: string, csv: string, shown: string) {
    await sql.unsafe(ddl);
    const input = join(folder, String(Bun.hash(table)));
    await Bun.write(join(input, "a.csv"), csv);
    const stream = await applyStream(database.target, streamOfTable(table));
    await ingestFolder(database.target, input, {}, stream);
    const rejects = await sql`
        select record_no as record, reasons from ingest.rejects where stream_id = ${stream.id} order by record_no`;
    expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
    const rows = await sql.unsafe(`select ${shown} from ${table} order by 1`).values();
    return {
        rows: rows.map((row) => [...row]),
        rejects: rejects.map(({ record, reasons }) => [Number(record), ...reasons]),
    };
}

test("texts with lines, dollars and Sluice's own names in CHECKs and defaults stay as they are", async () => {
    const ddl = String.raw`
        create table texts (
            id integer primary key,
            a text not null default E'x\n\n\n    y$$z',
            b text constraint b_known check (b in (E'p\nq', 'cost $$ 1', 'ingest.staging_0', 'r'))
        )`;
    const csv = 'id,a,b\n1,,"p\nq"\n2,m,cost $$ 1\n3,m,ingest.staging_0\n4,m,"p\n    q"\n5,m,s\n';
    expect(await ingest(ddl, "texts", csv, "id, a, b")).toEqual({
        rows: [
            [1, "x\n\n\n    y$$z", "p\nq"],
            [2, "m", "cost $$ 1"],
            [3, "m", "ingest.staging_0"],
        ],
        rejects: [
            [4, "b_known"],
            [5, "b_known"],
        ],
    });
});

test("names may have quotes, signs and lines", async () => {
    const table = `"a $1 'b' \\ 50%"."o'br""ien 100% $$ $body$"`;
    const ddl = `
        create schema "a $1 'b' \\ 50%";
        create table ${table} (
            "i'd $$" integer primary key, "ingest.staging" integer, "new
line" integer unique, constraint "it's 50%" check ("ingest.staging" / "new
line" > 0))`;
    const csv = `i'd $$,ingest.staging,"new\nline"\n1,1,1\n2,2,0\n3,x,1\n4,-4,4\n5,1,1\n1,3,2\n`;
    expect(await ingest(ddl, table, csv, "*")).toEqual({
        rows: [[1, 1, 1]],
        rejects: [
            [2, "refused_by_table"],
            [3, "ingest.staging_invalid"],
            [4, "it's 50%"],
            [5, `o'br"ien 100% $$ $body$_new\nline_key_taken`],
            [6, "i'd $$_conflict"],
        ],
    });
});

test("columns may be called as anything in the functions that are made for the table", async () => {
    const rendered = readFileSync(join(import.meta.dir, "rendered-orders.sql"), "utf8");
    const words = rendered.match(/\b[a-z_]\w{1,50}\b/g)!;
    // A table may have a column of its own name too.
    const names = [...new Set([...words, "sqlstate", "sqlerrm", "stored_words"])];
    const given = ["kind", "record", "position", "said_message", "stored", "triggers", "tried"];
    const ddl = `
        create table stored_words (
            ${names.map((name) => `"${name}" text`).join(", ")},
            primary key (kind, record), unique (tried), check (position <> triggers)
        )`;
    const csv = `${given}\na,b,1,c,d,2,1\na,b,1,c,e,2,1\na,b,1,c,d,2,1\nb,b,1,c,d,1,2\nc,b,1,c,d,2,1\n,b,1,c,d,2,3\n`;
    const expected = [
        [2, "kind_record_conflict"],
        [4, "stored_words_check"],
        [5, "stored_words_tried_key_taken"],
        [6, "kind_missing"],
    ];
    expect(await ingest(ddl, "stored_words", csv, given.join(", "))).toEqual({
        rows: [["a", "b", "1", "c", "d", "2", "1"]],
        rejects: expected,
    });
});

test("a key may be an array", async () => {
    const ddl = "create table array_keys (k integer[] primary key, v text)";
    const csv = 'k,v\n"{1,2}",a\n{1},b\n"{1,2}",c\n"{{1},{2}}",d\n{1},b\n';
    expect(await ingest(ddl, "array_keys", csv, "v")).toEqual({
        rows: [["a"], ["b"], ["d"]],
        rejects: [[3, "k_conflict"]],
    });
});

test("keys, values and CHECKs are compared by the collation of their column", async () => {
    const ddl = `
        create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        create table any_case_rows (
            k text collate any_case primary key,
            v text collate any_case constraint v_known check (v in ('new', 'paid'))
        )`;
    const csv = "k,v\na,NEW\nA,NEW\nb,new\nB,New\nc,lost\n";
    expect(await ingest(ddl, "any_case_rows", csv, "*")).toEqual({
        rows: [
            ["a", "NEW"],
            ["b", "new"],
        ],
        rejects: [
            [4, "k_conflict"],
            [5, "v_known"],
        ],
    });
});

test("a default of another type than its column changes no record's value; a domain's default is the column's", async () => {
    const ddl = `
        create domain points as integer default 7;
        create domain place as integer not null default 1;
        create table defaults (
            id integer primary key,
            big bigint default random() * 0 + 5,
            label varchar(20) default 4,
            score points,
            place place default 2
        )`;
    const csv = "id,big,label,score,place\n1,9007199254740993,x,,1\n2,,,3,1\n3,,,,\n";
    expect(await ingest(ddl, "defaults", csv, "id, big::text, label, score")).toEqual({
        rows: [
            [1, "9007199254740993", "x", 7],
            [2, "5", "4", 3],
        ],
        rejects: [[3, "place_missing"]],
    });
});

test("a table that could not be told from the records of a merge is refused", async () => {
    await sql`create table first_records (k integer primary key)`;
    await expect(applyStream(database.target, streamOfTable("first_records"))).rejects.toMatchObject({
        code: "table_name_taken",
    });
});
