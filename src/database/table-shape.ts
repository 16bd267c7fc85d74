/** Whether the tables of the streams are what ingest.streams says of them (the stream's SQL writes it there). */
import type { Sql } from "./connect.ts";
import { sluiceStates } from "./sql-states.ts";

/** Somebody has changed a stream's table: a person can undo that, and no record is to blame. */
export class TableShapeFault extends Error {
    override readonly name = "TableShapeFault";
    readonly sqlState = sluiceStates.tableShape;
    constructor({ table, problem }: ShapeProblem, cause: unknown) {
        super(`the table ${table.replace(/^public\./, "")} is not the one that Sluice made: ${problem}`, { cause });
    }
}

/** The columns that our statements need, as the catalog spells them. */
export interface TableShape {
    key: string;
    columns: TableColumn[];
}

export interface TableColumn {
    name: string;
    type: string;
    notNull: boolean;
    hasDefault: boolean;
}

export interface ShapeProblem {
    /** With its schema. */
    table: string;
    /** Part of a sentence. */
    problem: string;
}

/**
 * The first problem of a table that Sluice made, or null when our statements work on every one: it has all our columns with their types, no other
 * column that an insert of ours would have to fill, a unique key, and nothing that keeps rows from us.
 */
export async function findShapeProblem(sql: Sql, streamId: number | null = null): Promise<ShapeProblem | null> {
    const streams = await sql<{ table: string; shape: string }[]>`
        select table_name as table, shape::text as shape
        from ingest.streams
        where
            is_active
            and shape is not null
            and declaration is null
            and (${streamId}::smallint is null or stream_id = ${streamId}::smallint)
        order by stream_id`;
    for (const { table, shape } of streams) {
        const { key, columns }: TableShape = JSON.parse(shape);
        const problem = (await compareTable(sql, table, columns)) ?? (await describeGuards(sql, table, key));
        if (problem !== null) return { table, problem };
    }
    return null;
}

async function compareTable(sql: Sql, table: string, expected: readonly TableColumn[]): Promise<string | null> {
    const found = await sql<TableColumn[]>`
        select
            pg_attribute.attname as name,
            format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as type,
            pg_attribute.attnotnull as "notNull",
            pg_attribute.atthasdef or pg_attribute.attidentity <> '' as "hasDefault"
        from pg_catalog.pg_attribute
        where pg_attribute.attrelid = to_regclass(${table})
            and pg_attribute.attnum > 0
            and not pg_attribute.attisdropped`;
    return found.length === 0 ? "it is missing" : compareColumns(expected, found);
}

/** Obstacles to an insert that no record can be blamed for (see ingest.insert_or_refuse). */
async function describeGuards(sql: Sql, table: string, key: string): Promise<string | null> {
    const [guards] = await sql<{ hasKey: boolean; rule: string | null; hasRowSecurity: boolean; userName: string }[]>`
        select
            exists (
                select from pg_catalog.pg_index
                inner join pg_catalog.pg_attribute
                    on pg_attribute.attrelid = pg_index.indrelid and pg_attribute.attnum = pg_index.indkey[0]
                where pg_index.indrelid = to_regclass(${table})
                    and pg_index.indisunique
                    and pg_index.indisvalid
                    and pg_index.indnkeyatts = 1
                    and pg_index.indpred is null
                    and pg_attribute.attname = ${key}
            ) as "hasKey",
            (
                select min(pg_rewrite.rulename::text)
                from pg_catalog.pg_rewrite
                where pg_rewrite.ev_class = to_regclass(${table})
                    and pg_rewrite.ev_type = '3'
                    and pg_rewrite.ev_enabled <> 'D'
            ) as rule,
            -- A role that only reads may be shown a part.
            row_security_active(to_regclass(${table}))
            and has_table_privilege(to_regclass(${table}), 'insert') as "hasRowSecurity",
            current_user as "userName"`;
    const { hasKey, rule, hasRowSecurity, userName } = guards!;
    const name = table.replace(/^public\./, "");
    if (!hasKey) return `it has no primary key (${key}): alter table ${name} add primary key (${key})`;
    if (rule !== null) return `its rule ${rule} replaces inserts: drop rule ${rule} on ${name}`;
    if (hasRowSecurity) return `its row security applies to ${userName}: alter role ${userName} bypassrls`;
    return null;
}

export function compareColumns(expected: readonly TableColumn[], found: readonly TableColumn[]): string | null {
    for (const column of expected) {
        const other = found.find((candidate) => candidate.name === column.name);
        if (other === undefined) return `it has no column ${column.name}`;
        if (other.type !== column.type) return `its column ${column.name} is ${other.type}, not ${column.type}`;
        if (other.notNull && !column.notNull) return `its column ${column.name} does not accept null`;
    }
    const extra = found.find(
        ({ name, notNull, hasDefault }) =>
            notNull && !hasDefault && !expected.some((candidate) => candidate.name === name),
    );
    return extra === undefined ? null : `its column ${extra.name} needs a value, and Sluice does not know it`;
}
