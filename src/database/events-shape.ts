/** Whether `public.events` is the table that schema.ts describes. */
import { getTableConfig } from "drizzle-orm/pg-core";
import type { Sql } from "./connect.ts";
import { events } from "./schema.ts";
import { sluiceStates } from "./sql-states.ts";

/** `public.events` is no longer the table that Sluice made: what a person can undo, not the fault of any record. */
export class EventsShapeFault extends Error {
    override readonly name = "EventsShapeFault";
    readonly sqlState = sluiceStates.eventsShape;
    constructor(problem: string, cause: unknown) {
        super(`the table events is not the one that Sluice made: ${problem}`, { cause });
    }
}

interface Column {
    name: string;
    type: string;
    notNull: boolean;
    hasDefault: boolean;
}

/**
 * One sentence's worth of what is other about it, or null when our statements work on it: all our columns with their
 * types, no other column that an insert of ours would have to fill, event_id kept unique, and nothing that keeps rows from us.
 */
export async function describeEventsShape(sql: Sql): Promise<string | null> {
    const found = await sql<Column[]>`
        select
            pg_attribute.attname as name,
            format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as type,
            pg_attribute.attnotnull as "notNull",
            pg_attribute.atthasdef or pg_attribute.attidentity <> '' as "hasDefault"
        from pg_catalog.pg_attribute
        where pg_attribute.attrelid = to_regclass('public.events')
            and pg_attribute.attnum > 0
            and not pg_attribute.attisdropped`;
    if (found.length === 0) return "it is missing";
    return compareColumns(expectedColumns(), found) ?? (await describeGuards(sql));
}

/** What no record can be blamed for, although its insert is what fails: ingest.insert_or_refuse. */
async function describeGuards(sql: Sql): Promise<string | null> {
    const [guards] = await sql<{ hasKey: boolean; rule: string | null; hasRowSecurity: boolean; userName: string }[]>`
        select
            exists (
                select from pg_catalog.pg_index
                inner join pg_catalog.pg_attribute
                    on pg_attribute.attrelid = pg_index.indrelid and pg_attribute.attnum = pg_index.indkey[0]
                where pg_index.indrelid = to_regclass('public.events')
                    and pg_index.indisunique
                    and pg_index.indisvalid
                    and pg_index.indnkeyatts = 1
                    and pg_index.indpred is null
                    and pg_attribute.attname = 'event_id'
            ) as "hasKey",
            (
                select min(pg_rewrite.rulename::text)
                from pg_catalog.pg_rewrite
                where pg_rewrite.ev_class = to_regclass('public.events')
                    and pg_rewrite.ev_type = '3'
                    and pg_rewrite.ev_enabled <> 'D'
            ) as rule,
            -- Who only reads may be shown a part.
            row_security_active(to_regclass('public.events'))
            and has_table_privilege(to_regclass('public.events'), 'insert') as "hasRowSecurity",
            current_user as "userName"`;
    const { hasKey, rule, hasRowSecurity, userName } = guards!;
    if (!hasKey) return "it has no primary key (event_id): alter table events add primary key (event_id)";
    if (rule !== null) return `its rule ${rule} stands in for inserts: drop rule ${rule} on events`;
    if (hasRowSecurity) return `its row security applies to ${userName}: alter role ${userName} bypassrls`;
    return null;
}

export function compareColumns(expected: readonly Column[], found: readonly Column[]): string | null {
    for (const column of expected) {
        const other = found.find((candidate) => candidate.name === column.name);
        if (other === undefined) return `it has no column ${column.name}`;
        if (other.type !== column.type) return `its column ${column.name} is ${other.type}, not ${column.type}`;
        if (other.notNull && !column.notNull) return `its column ${column.name} takes no null`;
    }
    const extra = found.find(
        ({ name, notNull, hasDefault }) =>
            notNull && !hasDefault && !expected.some((candidate) => candidate.name === name),
    );
    return extra === undefined ? null : `its column ${extra.name} must be filled and is none of ours`;
}

function expectedColumns(): Column[] {
    return getTableConfig(events).columns.map((column) => ({
        name: column.name,
        type: spelledOut(column.getSQLType()),
        notNull: column.notNull,
        hasDefault: column.hasDefault,
    }));
}

/** drizzle writes varchar(50) and numeric(10, 2); Postgres answers with the long name and without the space. */
function spelledOut(type: string): string {
    return type.replace(/^varchar/, "character varying").replaceAll(", ", ",");
}
