import { beforeAll, expect, test } from "bun:test";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { ruleOf } from "../../src/streams/types/rule-of.ts";
import { useDatabase } from "../support/fixture.ts";
import { documentedTypes } from "./documented-types.ts";

const { sql } = useDatabase(import.meta.path);

/** Nested deeper than Postgres's stack, longer than its numbers, more parts than a document has. */
const texts = [
    ..."[ { ( ! - : < 9".split(" ").map((letter) => letter.repeat(50_000)),
    `${"[".repeat(3000)}${"]".repeat(3000)}`,
    `${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`,
    '{"a":'.repeat(20_000),
    `${"'a' & ".repeat(20_000)}'b'`,
    `${"a=>1,".repeat(20_000)}b=>2`,
    `${"1 day ".repeat(5000)}1 day`,
    "<a>".repeat(30_000),
    `${"0".repeat(140_000)}.${"0".repeat(20_000)}`,
    `0.${"0".repeat(16_383)}1`,
    `1e${"9".repeat(1000)}`,
    `2024-01-01 00:00:00.${"0".repeat(5000)}`,
    `2024-01-01 00:00:00.${"1".repeat(90)}`,
    `{${"1,".repeat(10_000)}1}`,
    "x".repeat(1_000_000),
];

beforeAll(async () => {
    await sql.unsafe("create extension citext; create extension hstore; create extension ltree");
    for (const { setup } of documentedTypes) if (setup) await sql.unsafe(setup);
});

test.each(documentedTypes.flatMap(({ types }) => types))("no text makes the rule of %s raise", async (type) => {
    await sql.unsafe(`drop table if exists tried; create table tried (c ${type})`);
    const rule = ruleOf((await readTable(sql, "tried"))!.columns[0]!);
    if ("refused" in rule) throw new Error(rule.refused);
    // What passes is cast and written, too.
    const counted = await sql.unsafe<{ judged: number }[]>(
        `select count(coalesce(given.reason, case when given.reason is null then left(${rule.text(`(${rule.cast("given.value")})`)}, 9) end))::integer as judged
        from (
            select given.value, ${rule.reason("given.value")} as reason
            from unnest($1::text[]) as given (value)
            offset 0
        ) as given`,
        [texts],
    );
    expect(counted[0]!.judged).toBe(texts.length);
});
