/**
 * What Postgres itself says of each record, taken alone after those before it, as a second witness to what was written by
 * hand. It cannot say everything: a cast to numeric rounds in silence, one to timestamp drops an offset.
 */
import type { Sql } from "../../src/database/connect.ts";
import type { ExpectedReject, TableCase } from "./read-table-case.ts";

/** What some insert accepts although it is not what the text said, or not how Sluice lets it be written. */
const hiddenByCasts = /_(invalid|too_precise|missing)$/;

interface Answer {
    sqlState: string | null;
    constraint: string | null;
}

/** Every record on which expected.json and Postgres differ. */
export async function askPostgres(sql: Sql, tableCase: TableCase): Promise<string[]> {
    const rejects = new Map(tableCase.rejects.map((reject) => [reject.record, reject]));
    const arrays = await readArrayColumns(sql, tableCase);
    const differences: string[] = [];
    for (const [index, values] of tableCase.records.entries()) {
        const record = index + 1;
        const reject = rejects.get(record);
        const isTried = !reject?.reasons.some((reason) => hiddenByCasts.test(reason));
        if (!isTried) continue;
        const answer = await insertAlone(sql, tableCase, values, arrays);
        const problem = reject ? judgeReject(reject, answer) : judgeAccepted(answer);
        if (problem !== null) differences.push(`record ${record}: ${problem}, Postgres says ${JSON.stringify(answer)}`);
    }
    return differences;
}

async function insertAlone(
    sql: Sql,
    { table, header }: TableCase,
    values: string[],
    arrays: ReadonlySet<string>,
): Promise<Answer> {
    const given = header
        .map((name, index) => ({ name, value: values[index]!.trim() }))
        .filter(({ value }) => value !== "")
        .map(({ name, value }) => ({ name, value: arrays.has(name) ? asArray(value) : value }));
    const names = given.map(({ name }) => `"${name.replaceAll('"', '""')}"`);
    const literals = given.map(({ value }) => `'${value.replaceAll("'", "''")}'`);
    try {
        // Alone in a transaction, so that what waits for the commit speaks, too.
        await sql.unsafe(`insert into ${table} (${names}) values (${literals})`);
        return { sqlState: null, constraint: null };
    } catch (error) {
        const { code, constraint_name: constraint = null } = error as { code: string; constraint_name?: string };
        return { sqlState: code, constraint };
    }
}

async function readArrayColumns(sql: Sql, { table }: TableCase): Promise<Set<string>> {
    const rows = await sql<{ name: string }[]>`
        select attname as name
        from pg_attribute
        where attrelid = ${table}::regclass and attnum > 0 and attndims > 0`;
    return new Set(rows.map(({ name }) => name));
}

/** Sluice takes a JSON list for an array, Postgres does not. */
function asArray(value: string): string {
    if (!value.startsWith("[")) return value;
    const items = JSON.parse(value) as unknown[];
    return `{${items.map((item) => JSON.stringify(item)).join(",")}}`;
}

/** Inserted, or the key of a row that is there. */
function judgeAccepted({ sqlState }: Answer): string | null {
    return sqlState === null || sqlState === "23505" ? null : "it should be accepted";
}

function judgeReject({ kind, reasons, refusal }: ExpectedReject, { sqlState, constraint }: Answer): string | null {
    const says = JSON.stringify(refusal ?? reasons);
    if (kind === "conflict") return sqlState === "23505" ? null : `it should be ${says}`;
    if (refusal) {
        const isSame =
            refusal.sqlState === sqlState && (refusal.constraint === undefined || refusal.constraint === constraint);
        return isSame ? null : `it should be ${says}`;
    }
    const isRaised = reasons.some((reason) => statesOf(reason).includes(sqlState ?? ""));
    // A domain's is behind the name of the column.
    const isNamed = sqlState !== "23514" || reasons.some((reason) => reason.endsWith(constraint ?? "?"));
    return isRaised && isNamed ? null : `it should be ${says}`;
}

function statesOf(reason: string): string[] {
    if (reason.endsWith("_too_long")) return ["22001"];
    if (reason.endsWith("_out_of_range")) return ["22003"];
    // A parent that is not there, or a label that an enum does not have.
    if (reason.endsWith("_unknown")) return ["23503", "22P02"];
    return ["23514"];
}
