/** The words of the contract against the rules themselves: each reason has some, and an example gets the code that it stands beside. */
import { beforeAll, expect, test } from "bun:test";
import { wordsOf } from "../../src/operations/streams/reason-words.ts";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { ruleOf } from "../../src/streams/types/rule-of.ts";
import { useDatabase } from "../support/fixture.ts";

const { sql } = useDatabase(import.meta.path);

const types = [
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(5,2)",
    "numeric(4)",
    "numeric(3,5)",
    "real",
    "double precision",
    "boolean",
    "text",
    "varchar(3)",
    "varchar(300)",
    "char(2)",
    "bpchar",
    "date",
    "timestamp",
    "timestamptz",
    "timestamptz(0)",
    "timestamp(3)",
    "time",
    "time(0)",
    "timetz",
    "interval",
    "interval(0)",
    "uuid",
    "json",
    "jsonb",
    "bytea",
    "inet",
    "cidr",
    "macaddr",
    "bit(3)",
    "varbit(4)",
    "point",
    "box",
    "int4range",
    "tstzrange",
    "int4multirange",
    "integer[]",
    "text[]",
    "numeric(5,2)[]",
    "mood",
    "positive",
    "short_mood",
    "pair",
    "xml",
    "tsvector",
    "jsonpath",
    "pg_lsn",
    "name",
]; // prettier-ignore

beforeAll(async () => {
    await sql.unsafe(`
        create type mood as enum ('sad', 'glad');
        create domain positive as integer constraint above_zero check (value > 0);
        create domain short_mood as mood not null;
        create type pair as (a integer, b text);
        create table every_type (id integer primary key, ${types.map((type, index) => `c${index} ${type}`).join(", ")})`);
});

test("every reason of a type has a sentence of its own, and every example gets its reason", async () => {
    const { columns } = (await readTable(sql, "public.every_type"))!;
    const wrong: string[] = [];
    let examples = 0;
    for (const column of columns) {
        const rule = ruleOf(column);
        if ("refused" in rule) continue;
        for (const reason of rule.reasons) {
            const rules = column.domains.flatMap(({ checks }) => checks);
            const values = column.labels === null ? null : [...column.labels];
            const { sentence, example } = wordsOf(reason, { name: column.name, type: column.type, values, rules });
            if (sentence.startsWith("It breaks the rule")) wrong.push(`${column.type} ${reason}: no words`);
            if (example === null) continue;
            examples += 1;
            const [row] = await sql.unsafe<{ reason: string | null }[]>(
                `select ${rule.reason("given.value")} as reason from unnest(array[$1::text]) as given (value)`,
                [example],
            );
            if (row!.reason !== reason) wrong.push(`${column.type} ${reason}: ${example} gets ${row!.reason}`);
        }
    }
    expect(wrong).toEqual([]);
    expect(examples).toBeGreaterThan(40);
});
