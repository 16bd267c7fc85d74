import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { ruleOf } from "../../src/streams/types/rule-of.ts";
import type { TypeRule } from "../../src/streams/types/type-rule.ts";
import { useDatabase } from "../support/fixture.ts";
import { runsOf } from "../support/sample.ts";
import { compareTable, insertEach, judge } from "./compare-verdicts.ts";

const database = useDatabase(import.meta.path);

/** `bun run test:streams --tables 20000` */
const tables = Number(process.env.SLUICE_STREAM_TABLES ?? runsOf(200, 80));
const seed = process.env.SLUICE_SEED ? { seed: Number(process.env.SLUICE_SEED) } : {};

beforeAll(async () => {
    await database.sql.unsafe("create extension citext; create extension hstore; create extension ltree");
    await database.sql.unsafe(insertEach);
});

let no = 0;

test("a rule takes a text exactly when Postgres stores what it says, whatever the type and the text", async () => {
    await fc.assert(
        fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 0x7fffffff })), async (numbers) => {
            const pick = (below: number) => numbers.next().value! % below;
            no += 1;
            expect(await compareTable(database.sql, pick, no)).toEqual([]);
        }),
        { numRuns: tables, endOnFailure: true, ...seed },
    );
}, 86_400_000);

test.each([
    ["xml", '{"x🙂\t"}'],
    ["json", '{"[]\t"}'],
])("a CHECK of an element sees its blanks where %s keeps them", async (base, text) => {
    const { sql } = database;
    await sql.unsafe(`
        create domain public.checked_${base} as ${base} check (length(value::text) > 2);
        create table public.of_${base} (items public.checked_${base}[])`);
    await sql.unsafe(`insert into public.of_${base} values ($1)`, [text]);
    const { columns } = (await readTable(sql, { schema: "public", table: `of_${base}` }))!;
    const [verdict] = await judge(sql, ruleOf(columns[0]!) as TypeRule, [text]);
    expect(verdict).toMatchObject({ reason: null });
});
