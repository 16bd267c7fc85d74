/** Tables that Sluice does not load into, each with the statement that would change that. Pure, but for findNearNames. */
import type { Sql } from "../../database/connect.ts";
import { suggestName } from "../../terminal/suggest-name.ts";
import type { Mode } from "../mode.ts";
import { ruleOf } from "../types/rule-of.ts";
import type { CatalogKey, CatalogTable } from "./catalog-table.ts";
import { quoteIdent, quoteTable } from "./quote-ident.ts";
import { parseTableName } from "./table-name.ts";

export interface Refusal {
    /** lower_snake_case, for scripts. */
    code: string;
    what: string;
    /** One or two sentences, with the statement that helps where there is one. */
    remedy: string;
}

export interface RefusalOptions {
    /** "allow": BEFORE triggers may stay. */
    triggers?: "allow" | undefined;
    /** Columns that the declaration names as the key. */
    key?: readonly string[] | undefined;
    /** Columns that are not written, so that their types do not matter. */
    ignore?: readonly string[] | undefined;
    /** Default: `insert`. */
    mode?: Mode | undefined;
}

/** The first reason why the table cannot be a stream's, or null. */
export function refusalOf(table: CatalogTable, options: RefusalOptions = {}): Refusal | null {
    const name = quoteTable({ schema: table.schema, table: table.name });
    return (
        refuseKind(table, name) ??
        refuseRights(table, name, options) ??
        refuseBehaviour(table, name, options) ??
        refuseColumns(table, name, options) ??
        refuseKey(table, name, options) ??
        refuseSlices(table, name, options)
    );
}

const kinds = { v: "a view", m: "a materialized view", f: "a foreign table" };

/** What stands beside the table in a statement of the templates (src/streams/render/). */
const mergeNames = new Set(
    `
    batch_chunks candidate_records decided_records deleted_rows differences first_records inserted_rows keyed_records losers
    losing_records met_records missing_rows new_records piece_records record_outcomes rejected_records removed_rows
    sluice_parent snapshot_changes staged stored stored_keys tombstone tombstones tried_records undecided_records
    updated_rows valid_records
`.match(/\w+/g),
);

function refuseKind(table: CatalogTable, name: string): Refusal | null {
    const { relationKind: kind } = table;
    if (kind === "v" || kind === "m" || kind === "f") {
        return {
            code: "table_kind",
            what: `${name} is ${kinds[kind]}.`,
            remedy: `Use the table that stores the rows; ${definitionOf(kind, name)} shows which it is.`,
        };
    }
    if (/^(pg_catalog|information_schema|pg_toast|ingest(_.*)?|drizzle)$/.test(table.schema)) {
        return {
            code: "table_of_system",
            what: `${name} is in the schema ${table.schema}, which is not for tables of users.`,
            remedy: `Move it: \`alter table ${name} set schema public\`, or give another table.`,
        };
    }
    if (mergeNames.has(table.name)) {
        return {
            code: "table_name_taken",
            what: `${name} has a name that a merge uses for its own records.`,
            remedy: `Rename it: \`alter table ${name} rename to …\`.`,
        };
    }
    if (!table.isTemporary) return null;
    return {
        code: "table_temporary",
        what: `${table.name} is a temporary table: other sessions do not see it.`,
        remedy: `Create a permanent one: \`create table public.${quoteIdent(table.name)} (like ${quoteIdent(table.name)} including all)\`.`,
    };
}

const definitionOf = (kind: "v" | "m" | "f", name: string) =>
    kind === "f" ? "`\\d+`" : `\`select pg_get_viewdef('${name.replaceAll("'", "''")}'::regclass)\``;

function refuseRights(
    { rights, schema, hasRowSecurity }: CatalogTable,
    name: string,
    { mode }: RefusalOptions,
): Refusal | null {
    const role = quoteIdent(rights.role);
    if (!rights.hasSchemaUsage) {
        return {
            code: "table_rights",
            what: `The role ${rights.role} may not use the schema ${schema}.`,
            remedy: `As its owner: \`grant usage on schema ${quoteIdent(schema)} to ${role}\`.`,
        };
    }
    const needed: [name: string, isGranted: boolean][] = [
        ["select", rights.canSelect],
        ["insert", rights.canInsert],
        ["update", rights.canUpdate],
        ["delete", rights.canDelete],
    ];
    if (mode?.name !== "snapshot") needed.splice(2);
    const missing = needed.filter(([, isGranted]) => !isGranted).map(([right]) => right);
    if (missing.length > 0) {
        return {
            code: "table_rights",
            what: `The role ${rights.role} has no right to ${missing.join(" and ")} on ${name}.`,
            remedy: `As its owner: \`grant ${needed.map(([right]) => right).join(", ")} on ${name} to ${role}\`.`,
        };
    }
    const [sequence] = rights.lockedSequences;
    if (sequence !== undefined) {
        return {
            code: "table_rights",
            what: `The role ${rights.role} may not use the sequence ${sequence}, which fills a column of ${name}.`,
            remedy: `As its owner: \`grant usage on sequence ${sequence} to ${role}\`.`,
        };
    }
    if (!hasRowSecurity) return null;
    return {
        code: "table_row_security",
        what: `Row security of ${name} applies to the role ${rights.role}: rows could be hidden from it, and be inserted twice or lost.`,
        remedy: `Load with a role that it does not apply to: \`alter role ${role} bypassrls\`, or the owner of ${name} unless it is forced.`,
    };
}

function refuseBehaviour(table: CatalogTable, name: string, { triggers }: RefusalOptions): Refusal | null {
    const [rule] = table.rules;
    if (rule !== undefined) {
        return {
            code: "table_rule",
            what: `The rule ${rule} on ${name} rewrites inserts, and Postgres refuses \`on conflict\` beside it.`,
            remedy: `Drop it: \`drop rule ${quoteIdent(rule)} on ${name}\`. A trigger AFTER INSERT can do what it did.`,
        };
    }
    const before = table.triggers.find(({ isBefore, isRow }) => isBefore && isRow);
    if (before === undefined || triggers === "allow") return null;
    return {
        code: "table_trigger",
        what: `The trigger ${before.name} on ${name} runs before each insert: it can change a row or leave it out, so what is stored may differ from the file.`,
        remedy: `Declare \`triggers: "allow"\` if it does neither, or disable it: \`alter table ${name} disable trigger ${quoteIdent(before.name)}\`.`,
    };
}

function refuseColumns(table: CatalogTable, name: string, { ignore = [] }: RefusalOptions): Refusal | null {
    for (const column of table.columns) {
        const isWritten = column.generatedText === null && column.identity !== "always";
        if (!isWritten || ignore.includes(column.name)) continue;
        const rule = ruleOf(column);
        if (!("refused" in rule)) continue;
        const isOptional = !column.isNotNull || column.defaultText !== null || column.identity !== null;
        const otherType = column.baseType === "pg_catalog.money" ? "numeric(14,2)" : "text";
        const change = `\`alter table ${name} alter column ${quoteIdent(column.name)} type ${otherType}\``;
        return {
            code: "column_type",
            what: `${name} has the column ${column.name} of the type ${column.type}: ${rule.refused}.`,
            remedy: `Change its type: ${change}${isOptional ? `, or leave it out: \`ignore: ["${column.name}"]\`` : ""}.`,
        };
    }
    return null;
}

function refuseKey(table: CatalogTable, name: string, { key, mode, ignore = [] }: RefusalOptions): Refusal | null {
    if (mode?.name === "append") return null;
    const unknown = key?.find((wanted) => !table.columns.some((column) => column.name === wanted));
    if (unknown !== undefined) {
        const names = table.columns.map((column) => column.name);
        const near = suggestName(unknown, names);
        return {
            code: "key_unknown",
            what: `${name} has no column ${unknown}, which \`key\` names.`,
            remedy: near === null ? `Its columns are ${names.join(", ")}.` : `Did you mean ${near}?`,
        };
    }
    const wanted = key && [...key].sort().join("\0");
    const isWanted = ({ columns }: CatalogKey) => wanted === undefined || [...columns].sort().join("\0") === wanted;
    const keys = table.keys.filter(isWanted);
    if (keys.length === 0) {
        const refusal = refuseKeyless(table, name, key, table.uniques.filter(isWanted));
        return mode === undefined || mode.name === "insert" ? orAppend(refusal) : refusal;
    }
    const faults = keys.map((candidate) => faultOfKey(table, candidate, ignore));
    const [fault] = faults;
    return faults.includes(null) || fault === undefined ? null : fault;
}

/** A snapshot of a part of the table: each record must say which part it is of. */
function refuseSlices(table: CatalogTable, name: string, { mode, ignore = [] }: RefusalOptions): Refusal | null {
    for (const wanted of mode?.name === "snapshot" ? mode.by : []) {
        const column = table.columns.find((column) => column.name === wanted);
        if (column === undefined) {
            const names = table.columns.map((column) => column.name);
            const near = suggestName(wanted, names);
            return {
                code: "slice_unknown",
                what: `${name} has no column ${wanted}, which \`by\` names.`,
                remedy: near === null ? `Its columns are ${names.join(", ")}.` : `Did you mean ${near}?`,
            };
        }
        if (column.generatedText !== null || column.identity === "always" || ignore.includes(wanted)) {
            return {
                code: "slice_not_given",
                what: `The column ${wanted} of ${name}, which \`by\` names, is not read from files.`,
                remedy: "Name columns that files have.",
            };
        }
        if (column.isNotNull) continue;
        return {
            code: "slice_nullable",
            what: `The column ${wanted} of ${name}, which \`by\` names, may be null: such a row would be of no file.`,
            remedy: `Let it have a value always: \`alter table ${name} alter column ${quoteIdent(wanted)} set not null\`.`,
        };
    }
    return null;
}

/** A table may be meant to have none: of a log, say. */
const orAppend = (refusal: Refusal): Refusal => ({
    ...refusal,
    remedy: `${refusal.remedy} If each record is to become a row: \`--mode append\`, or \`mode: "append"\` in the stream's file.`,
});

function refuseKeyless(
    table: CatalogTable,
    name: string,
    key: readonly string[] | undefined,
    unfit: readonly CatalogKey[],
): Refusal {
    const columns = key ?? [table.columns[0]?.name ?? "id"];
    const add = `\`alter table ${name} add primary key (${columns.map(quoteIdent).join(", ")})\``;
    const reasons = unfit.map((index) => ` ${index.name} cannot serve: ${index.unfit}.`).join("");
    const already = table.keys.find(({ isPrimary }) => isPrimary);
    const unique = `\`create unique index on ${name} (${columns.map(quoteIdent).join(", ")})\`, over columns that are NOT NULL`;
    return {
        code: "table_without_key",
        what: `${name} has no primary key or unique index${key ? ` over ${key.join(", ")}` : ""} that identifies its rows.${reasons}`,
        remedy:
            already === undefined
                ? `Add one: ${add}${key ? "" : ", or another column whose values are unique"}.`
                : `Use ${already.columns.join(", ")} (${already.name}), or add one: ${unique}.`,
    };
}

/** Null: the key can be read from files and compared. */
function faultOfKey(table: CatalogTable, key: CatalogKey, ignore: readonly string[]): Refusal | null {
    const name = quoteTable({ schema: table.schema, table: table.name });
    for (const column of table.columns.filter((column) => key.columns.includes(column.name))) {
        const by = column.identity === "always" ? "an identity (generated always)" : "a generated column";
        if (column.identity !== "always" && column.generatedText === null) {
            if (!ignore.includes(column.name)) continue;
            return {
                code: "key_ignored",
                what: `The column ${column.name} of ${key.name} is ignored, and without it rows cannot be distinguished.`,
                remedy: `Take "${column.name}" out of \`ignore\`.`,
            };
        }
        const remedy =
            column.identity === "always"
                ? `Let files give it: \`alter table ${name} alter column ${quoteIdent(column.name)} set generated by default\`, or name another unique column as \`key\`.`
                : `Make a unique index over columns that files have: \`create unique index on ${name} (…)\`, and name them as \`key\`.`;
        return {
            code: "key_generated",
            what: `The key ${key.name} of ${name} has ${column.name}, ${by}: a file cannot say which row it means.`,
            remedy,
        };
    }
    return null;
}

/** Why there is no such table, with names that are near. */
export async function refusalOfMissing(sql: Sql, given: string): Promise<Refusal> {
    const parsed = parseTableName(given);
    if (parsed === null) {
        return {
            code: "table_name",
            what: `"${given}" is not the name of a table.`,
            remedy: 'Write it as in SQL: orders, sales.orders, or with quotes where it needs them: "Sales"."Order lines".',
        };
    }
    const near = await findNearNames(sql, parsed.table, parsed.schema);
    const what = `There is no table ${quoteTable(parsed)} in this database.`;
    const list = near.map((name) => quoteTable(name));
    if (list.length > 0) return { code: "table_missing", what, remedy: `Did you mean ${list.join(" or ")}?` };
    const remedy = "`select table_schema, table_name from information_schema.tables` lists those that there are.";
    return { code: "table_missing", what, remedy: `Check the database and the schema: ${remedy}` };
}

/** The same name in another case or schema first; then one with a few letters of difference. Three at most. */
async function findNearNames(sql: Sql, table: string, schema: string | null) {
    const all = await sql<{ schema: string; table: string }[]>`
        select pg_namespace.nspname as schema, pg_class.relname as table
        from pg_catalog.pg_class
        inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
        where
            pg_class.relkind in ('r', 'p')
            and pg_namespace.nspname !~ '^(pg_|information_schema$|ingest$|ingest_)'
        order by 1, 2
        limit 10000`;
    const same = all.filter((name) => name.table.toLowerCase() === table.toLowerCase());
    if (same.length > 0) return same.slice(0, 3);
    const within = all.filter((name) => schema === null || name.schema === schema);
    const near = suggestName(
        table,
        (within.length > 0 ? within : all).map((name) => name.table),
    );
    return all.filter((name) => name.table === near).slice(0, 3);
}
