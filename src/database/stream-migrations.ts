/**
 * The migrations of streams: streams/migrations/*.sql, which make the tables that `bun run add` proposes. The user's own, in
 * git beside their streams. Applied each once, in the order of their names, in the transaction of Sluice's own.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { streamsFolder } from "../environment.ts";
import type { Sql } from "./connect.ts";
import { type DatabaseTarget, databaseFault, describeTarget } from "./database-target.ts";
import type { SqlSource } from "./sql-script.ts";

export interface StreamMigration {
    /** Of its file: `0000_orders.sql`. */
    name: string;
    text: string;
    hash: string;
}

/** In the folder that the command was started in. */
export function streamMigrationsDir(): string {
    return resolve(streamsFolder(), "migrations");
}

export function readStreamMigrations(folder: string): StreamMigration[] {
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
    return names.sort().map((name) => {
        const text = readFileSync(join(folder, name), "utf8");
        return { name, text, hash: createHash("sha256").update(text).digest("hex") };
    });
}

/**
 * Those that the database has not had. Others that it had are another checkout's.
 * @throws SluiceError `migration_changed` for one that was changed since
 */
export async function findPendingStreamMigrations(
    target: DatabaseTarget,
    sql: Sql,
    migrations: readonly StreamMigration[],
): Promise<StreamMigration[]> {
    if (migrations.length === 0) return [];
    const applied = await readApplied(sql);
    const changed = migrations.find(({ name, hash }) => applied.has(name) && applied.get(name) !== hash);
    if (changed) {
        throw databaseFault(
            "migration_changed",
            `streams/migrations/${changed.name} was changed after it was applied to ${describeTarget(target)}.`,
            "Restore it, and write the change into another file beside it.",
        );
    }
    return migrations.filter(({ name }) => !applied.has(name));
}

async function readApplied(sql: Sql): Promise<Map<string, string>> {
    const [present] = await sql<{ hasJournal: boolean }[]>`
        select to_regclass('ingest.stream_migrations') is not null as "hasJournal"`;
    if (!present!.hasJournal) return new Map();
    const rows = await sql<{ name: string; hash: string }[]>`select name, hash from ingest.stream_migrations`;
    return new Map(rows.map(({ name, hash }) => [name, hash]));
}

/** Behind Sluice's own, which make the schema of the journal. */
export function streamMigrationSources(pending: readonly StreamMigration[]): SqlSource[] {
    if (pending.length === 0) return [];
    const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
    const rows = pending.map(({ name, hash }) => `(${literal(name)}, ${literal(hash)}, now())`);
    const journal = `
        create table if not exists ingest.stream_migrations (
            name text primary key,
            hash text not null,
            applied_at timestamptz not null
        );
        insert into ingest.stream_migrations (name, hash, applied_at) values ${rows.join(", ")}`;
    return [
        ...pending.map(({ name, text }) => ({ name: `streams/migrations/${name}`, text })),
        { name: "the journal of streams' migrations", text: journal },
    ];
}
