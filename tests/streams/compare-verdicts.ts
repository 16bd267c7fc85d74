/** One random table: the verdict of the rules on random texts, beside what Postgres stores of each and what the oracle says of that. */
import type { Sql } from "../../src/database/connect.ts";
import type { CatalogColumn } from "../../src/streams/catalog/catalog-table.ts";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { ruleOf } from "../../src/streams/types/rule-of.ts";
import type { TypeRule } from "../../src/streams/types/type-rule.ts";
import { literalOf } from "./oracle/match-arrays.ts";
import { matches } from "./oracle/matches.ts";
import type { TypeSpec } from "./oracle/type-spec.ts";
import { randomText } from "./random-texts.ts";
import { type Pick, randomType } from "./random-types.ts";

/** A savepoint a row: what an insert of the literal stores, as text, or the error. */
export const insertEach = `
create function public.insert_each(table_name text, column_name text, texts text[])
returns table (stored text, refused_by text)
language plpgsql
as $$
declare
    given text;
begin
    foreach given in array texts loop
        begin
            execute format('insert into %s (%I) values (%L) returning %2$I::text', table_name, column_name, given)
            into stored;
            refused_by := null;
        exception
            when others then
                stored := null;
                refused_by := sqlstate;
        end;
        return next;
    end loop;
end
$$`;

const columnsATable = 6;
const textsAColumn = 24;

/** @returns a sentence for each text on which the rules and the oracle do not agree */
export async function compareTable(sql: Sql, pick: Pick, no: number): Promise<string[]> {
    const schema = `case_${no}`;
    const specs = Array.from({ length: columnsATable }, (_, index) => randomType(pick, index));
    const statements = [
        `create schema ${schema}`,
        ...specs.flatMap(({ setup }) => setup ?? []),
        `create table ${schema}."T" (${specs.map(({ ddl }, index) => `c${index} ${ddl}`).join(", ")})`,
    ].map((statement) => statement.replaceAll("%s", schema));
    const disagreements: string[] = [];
    try {
        await sql.unsafe(statements.join(";\n"));
        const table = (await readTable(sql, { schema, table: "T" }))!;
        for (const [index, column] of table.columns.entries()) {
            const rule = ruleOf(column);
            if ("refused" in rule) disagreements.push(`${column.type} is refused: ${rule.refused}`);
            else disagreements.push(...(await compareColumn(sql, pick, `${schema}."T"`, column, rule, specs[index]!)));
        }
    } finally {
        await sql.unsafe(`drop schema if exists ${schema} cascade`);
    }
    return disagreements;
}

async function compareColumn(
    sql: Sql,
    pick: Pick,
    table: string,
    column: CatalogColumn,
    rule: TypeRule,
    spec: TypeSpec,
): Promise<string[]> {
    const made = Array.from({ length: textsAColumn }, () => randomText(pick, rule.loader.samples));
    const texts = [...new Set(made)].filter((text) => text !== "");
    const literals = texts.map((text) => literalOf(spec, text));
    const stored = await sql<{ stored: string | null }[]>`
        select insert_each.stored from public.insert_each(${table}, ${column.name}, ${literals}::text[])`;
    const verdicts = await judge(sql, rule, texts);
    return texts.flatMap((text, index) => {
        const what = `${column.type} ${JSON.stringify(text)}`;
        const verdict = verdicts[index]!;
        const kept = stored[index]!.stored;
        const isLossless = kept !== null && matches(spec, text, kept);
        return [
            ...(isLossless === (verdict.reason === null)
                ? []
                : [
                      `${what}: the rule says ${verdict.reason}, stored is ${JSON.stringify(kept)}, lossless: ${isLossless}`,
                  ]),
            ...faultsOf(rule, text, verdict, kept).map((fault) => `${what}: ${fault}`),
        ];
    });
}

interface Verdict {
    reason: string | null;
    /** What the rule's cast makes of it, as the rule writes it. */
    text: string | null;
    /** Whether that text passes and makes the same value. */
    reasonOfText: string | null;
    again: string | null;
}

export async function judge(sql: Sql, rule: TypeRule, texts: readonly string[]): Promise<Verdict[]> {
    return await sql.unsafe<Verdict[]>(
        `select
            judged.reason, judged.text,
            case when judged.text is not null then ${rule.reason("judged.text")} end as "reasonOfText",
            case when ${rule.reason("judged.text")} is null then ${rule.text(`(${rule.cast("judged.text")})`)} end as again
        from (
            select given.no, given.reason, case when given.reason is null then ${rule.text(`(${rule.cast("given.value")})`)} end as text
            from (
                select given.value, given.no, ${rule.reason("given.value")} as reason
                from unnest($1::text[]) with ordinality as given (value, no)
                offset 0
            ) as given
            offset 0
        ) as judged
        order by judged.no`,
        [texts as string[]],
    );
}

/** What must hold beside the verdict itself. */
function faultsOf(rule: TypeRule, text: string, verdict: Verdict, kept: string | null): string[] {
    const faults: string[] = [];
    const { plainEnd } = rule.loader;
    const bytes = Buffer.from(text);
    if (verdict.reason !== null && !rule.reasons.includes(verdict.reason)) {
        faults.push(`the reason ${verdict.reason} is not among ${rule.reasons}`);
    }
    if (verdict.reason !== null && plainEnd?.(bytes, 0, bytes.length) === bytes.length) {
        faults.push(`the loader calls it plain, the rule says ${verdict.reason}`);
    }
    if (verdict.reason !== null) return faults;
    if (verdict.text !== kept) faults.push(`the cast stores ${verdict.text}, an insert ${kept}`);
    // An empty text is no value, so nobody asks the rule about it.
    if (verdict.text === "") return faults;
    if (verdict.reasonOfText !== null) faults.push(`its own text ${verdict.text} is refused: ${verdict.reasonOfText}`);
    else if (verdict.again !== verdict.text) faults.push(`its own text ${verdict.text} makes ${verdict.again}`);
    return faults;
}
