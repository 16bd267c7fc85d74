/** Modes that a table cannot have as they are declared, each with the remedy. */
import type { Sql } from "../../database/connect.ts";
import type { Mode } from "../mode.ts";
import type { CatalogColumn, CatalogTable } from "./catalog-table.ts";
import { quoteIdent, quoteTable } from "./quote-ident.ts";
import type { Refusal } from "./refuse-table.ts";

type Upsert = Extract<Mode, { name: "upsert" }>;

/** The first reason why the table's stream cannot have this mode, or null. `keys`: the columns that records are told apart by. */
export async function refusalOfMode(
    sql: Sql,
    table: CatalogTable,
    mode: Mode,
    keys: readonly string[],
): Promise<Refusal | null> {
    if (mode.name !== "upsert") return null;
    return (
        refuseRights(table, mode) ??
        refuseVersion(table, mode, keys) ??
        refuseKeys(table, mode, keys) ??
        (await refuseCondition(sql, table, mode))
    );
}

function refuseRights({ rights, schema, name }: CatalogTable, { deleteWhen }: Upsert): Refusal | null {
    const missing = [
        ...(rights.canUpdate ? [] : ["update"]),
        ...(rights.canDelete || deleteWhen === null ? [] : ["delete"]),
    ];
    if (missing.length === 0) return null;
    const table = quoteTable({ schema, table: name });
    return {
        code: "table_rights",
        what: `The role ${rights.role} has no right to ${missing.join(" and ")} on ${table}, which its mode upsert needs.`,
        remedy: `As its owner: \`grant ${missing.join(", ")} on ${table} to ${quoteIdent(rights.role)}\`.`,
    };
}

/** Types whose order is that of the values in files, without loss. */
const ordered = /^(smallint|integer|bigint|numeric|date|timestamp|time without time zone|time\(\d\) without)/;

function refuseVersion(table: CatalogTable, { version }: Upsert, keys: readonly string[]): Refusal | null {
    if (version === null) return null;
    const column = table.columns.find(({ name }) => name === version);
    const fit = table.columns.filter((other) => ordered.test(other.baseTypeText) && !keys.includes(other.name));
    const remedy =
        fit.length === 0
            ? "Add a column that counts up with each change, or leave `version` out: then the later record wins."
            : `Columns that could: ${fit.map(({ name }) => name).join(", ")}. Without \`version\` the later record wins.`;
    const refuse = (what: string) => ({ code: "version_column", what, remedy });
    if (column === undefined) return refuse(`${table.name} has no column ${version}, which \`version\` names.`);
    if (keys.includes(version)) {
        return refuse(`The column ${version} is a part of the key: two records of one key never differ in it.`);
    }
    if (column.generatedText !== null || column.identity === "always") {
        return refuse(`Files do not give the column ${version}: Postgres alone fills it.`);
    }
    if (ordered.test(column.baseTypeText)) return null;
    return refuse(
        `The column ${version} is ${column.type}: a version is a whole number, a numeric, a date, a timestamp or a time.`,
    );
}

/** Types whose equal values have one text, or are given one (src/streams/render/upsert-follow.ts). */
const written =
    /^(smallint|integer|bigint|numeric|text|character|uuid|boolean|date|timestamp|time without time zone|time\(\d\) without)/;

function refuseKeys(table: CatalogTable, { deleteWhen }: Upsert, keys: readonly string[]): Refusal | null {
    if (deleteWhen === null) return null;
    const isWritten = ({ baseTypeText, kind, isDeterministic }: CatalogColumn) =>
        (kind === "e" || written.test(baseTypeText)) && isDeterministic;
    const unfit = table.columns.find((column) => keys.includes(column.name) && !isWritten(column));
    if (unfit === undefined) return null;
    return {
        code: "delete_key",
        what: `\`deleteWhen\` remembers deleted keys as text, and equal values of the column ${unfit.name} (${unfit.type}) have different texts.`,
        remedy: "Name another unique index as `key`, or leave `deleteWhen` out and delete such rows yourself.",
    };
}

/** Asked of Postgres, over no row. Functions that are not Postgres's own need their schema: a replay has no search_path. */
async function refuseCondition(sql: Sql, table: CatalogTable, { deleteWhen }: Upsert): Promise<Refusal | null> {
    if (deleteWhen === null) return null;
    const columns = table.columns.map(({ name, type }) => `null::${type} as ${quoteIdent(name)}`).join(", ");
    try {
        await sql.unsafe(
            `select from (select ${columns}) as ${quoteIdent(table.name)} where (${deleteWhen}\n) limit 0`,
            [],
            { prepare: true },
        );
        return null;
    } catch (error) {
        return {
            code: "delete_condition",
            what: `\`deleteWhen\` is no condition over the columns of ${table.name}: ${(error as Error).message}.`,
            remedy: `Write it as a CHECK is written, with functions under their schema: deleteWhen: "deleted_at is not null". The columns are ${table.columns.map(({ name }) => name).join(", ")}.`,
        };
    }
}
