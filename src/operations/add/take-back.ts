/** Takes back what an `add` made for a CSV file, as long as nothing is in it: its table, its stream, its files. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../database/connect.ts";
import { setUpLockKey } from "../../database/migrate.ts";
import { streamsFolder } from "../../environment.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { quoteIdent } from "../../streams/catalog/quote-ident.ts";
import { literal } from "../../streams/render/sql-text.ts";
import { removeStream } from "../remove-stream.ts";
import { readStreams } from "../streams/read-streams.ts";
import { proposedBy } from "./table-text.ts";

/**
 * Call this before the stream is made anew. Nothing is there to take back: nothing happens.
 * @throws SluiceError `not_replaceable` for a table that has rows or that `add` did not make, `ingest_running`; nothing was changed then
 */
export async function takeBack(sql: Sql, name: string): Promise<void> {
    const table = `public.${quoteIdent(name)}`;
    const [row] = await sql<{ exists: boolean }[]>`select to_regclass(${table}) is not null as exists`;
    const migrations = (await readMigrationNames(sql)).filter((file) => isOf(file, name));
    if (row!.exists) {
        if (migrations.length === 0) throw refuse(name, `The table ${table} was not made by \`add\``);
        const [first] = await sql.unsafe(`select from ${table} limit 1`);
        if (first !== undefined) throw refuse(name, `The table ${table} has rows`);
    }
    const known = (await readStreams(sql)).find((stream) => stream.name === name && stream.isActive);
    if (known !== undefined) await removeStream(sql, known);
    await sql.unsafe(dropText(table, row!.exists, migrations)).simple();
    for (const path of filesOf(name)) rmSync(path);
}

/** Names of migrations that this database has had, whoever has their files. */
export async function readMigrationNames(sql: Sql): Promise<string[]> {
    const [present] = await sql<{ isThere: boolean }[]>`
        select to_regclass('ingest.stream_migrations') is not null as "isThere"`;
    if (!present!.isThere) return [];
    const rows = await sql<{ name: string }[]>`select name from ingest.stream_migrations order by name`;
    return rows.map((migration) => migration.name);
}

const isOf = (file: string, name: string): boolean => /^\d{4}_(.+)\.sql$/.exec(file)?.[1] === name;

/** Looked at again under the lock: a row may have come meanwhile. */
function dropText(table: string, exists: boolean, migrations: readonly string[]): string {
    const drop = `
        lock table ${table} in access exclusive mode;
        do $do$
        begin
            if exists (select from ${table}) then
                raise exception '% has rows', ${literal(table)};
            end if;
        end
        $do$;
        drop table ${table};`;
    const forget = `delete from ingest.stream_migrations where name in (${migrations.map(literal).join(", ")});`;
    return `
        begin;
        set local lock_timeout = '10s';
        select pg_advisory_xact_lock(${setUpLockKey});
        ${exists ? drop : ""}
        ${migrations.length > 0 ? forget : ""}
        commit;`;
}

/** Its declaration, and the migrations that `add` wrote; those of a person stay. */
function filesOf(name: string): string[] {
    const folder = join(streamsFolder(), "migrations");
    const migrations = existsSync(folder) ? readdirSync(folder).filter((file) => isOf(file, name)) : [];
    const paths = migrations.map((file) => join(folder, file));
    const written = paths.filter((path) => readFileSync(path, "utf8").startsWith(proposedBy));
    return [join(streamsFolder(), `${name}.ts`), ...written].filter((path) => existsSync(path));
}

function refuse(name: string, why: string): SluiceError {
    return new SluiceError({
        code: "not_replaceable",
        what: `${why}; nothing was changed.`,
        from: "the command line",
        remedy: `Change how files are read in streams/${name}.ts, and the table by another file in streams/migrations/.`,
        exitCode: exitCodes.usage,
    });
}
