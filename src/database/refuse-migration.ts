/** What a migration is refused for: what the database is, or was, that it must not be. And what a failed one says. */
import { SluiceError } from "../errors.ts";
import type { Sql } from "./connect.ts";
import { type DatabaseTarget, databaseFault, describeTarget } from "./database-target.ts";
import { explainConnectFailure } from "./explain-connect-failure.ts";
import { meaningOf, sqlStateOf, sqlStates } from "./sql-states.ts";
import type { ShapeProblem } from "./table-shape.ts";

export interface Migration {
    name: string;
    text: string;
    when: number;
    hash: string;
}

export interface Applied {
    /** created_at → hash; null when this database is not ours yet. */
    journal: Map<number, string> | null;
    sqlFiles: { programVersion: string; contentHash: string } | null;
    shapeProblem: ShapeProblem | null;
    /** Not after the restore of a dump that leaves it out, and the functions that know its rows. */
    hasStaging: boolean;
}

/** A table that a migration is about to make must not be there yet, and nor must the schema of the ledger. */
export async function refuseForeign(target: DatabaseTarget, sql: Sql, migrations: readonly Migration[]): Promise<void> {
    const made = migrations.flatMap(({ text }) => [...text.matchAll(/^CREATE TABLE ("\w+") \(/gm)]);
    const [foreign] = await sql<{ table: string | null; hasSchema: boolean }[]>`
        select
            (select min(name) from unnest(${made.map(([, name]) => name!)}::text[]) as name
            where to_regclass('public.' || name) is not null) as table,
            to_regnamespace('ingest') is not null as "hasSchema"`;
    const { table, hasSchema } = foreign!;
    if (table !== null) {
        throw databaseFault(
            "foreign_events_table",
            `${describeTarget(target)} has a table public.${JSON.parse(table)} that Sluice did not make; it was not touched.`,
            "Give Sluice a database of its own (createdb sluice), or rename that table.",
        );
    }
    if (hasSchema) {
        throw databaseFault(
            "foreign_ingest_schema",
            `${describeTarget(target)} has a schema "ingest" that Sluice did not make; it was not touched.`,
            "Give Sluice a database of its own (createdb sluice), or rename that schema.",
        );
    }
}

export function refuseOtherShape(target: DatabaseTarget, { shapeProblem }: Applied): void {
    if (shapeProblem === null) return;
    throw databaseFault(
        "foreign_events_table",
        `The table ${shapeProblem.table} of ${describeTarget(target)} is not the one that Sluice made: ${shapeProblem.problem}.`,
        "Undo that change, or give Sluice a database of its own.",
    );
}

export function refuseNewer(target: DatabaseTarget, applied: Applied, migrations: readonly Migration[]): void {
    for (const [when, hash] of applied.journal ?? []) {
        const known = migrations.find((migration) => migration.when === when);
        if (known === undefined) {
            throw databaseFault(
                "schema_newer_than_program",
                `${describeTarget(target)} has a migration that this program does not know: a newer version applied it.`,
                "Update Sluice.",
            );
        }
        if (known.hash !== hash) {
            throw databaseFault(
                "migration_changed",
                `${known.name} has changed since it was applied to ${describeTarget(target)}.`,
                "Restore the file. An applied migration is never edited; a change is a new migration.",
            );
        }
    }
}

/** A newer program's SQL stays: otherwise old and new processes that start by turns would replace each other's. */
export function refuseOlderProgram(target: DatabaseTarget, applied: Applied, programVersion: string): void {
    const appliedVersion = applied.sqlFiles?.programVersion;
    if (appliedVersion === undefined || Bun.semver.order(appliedVersion, programVersion) <= 0) return;
    throw databaseFault(
        "schema_newer_than_program",
        `${describeTarget(target)} was set up by Sluice ${appliedVersion}; this is ${programVersion}.`,
        "Update Sluice.",
    );
}

export function explainFailure(target: DatabaseTarget, error: unknown, place: string | null): unknown {
    const explained = explainConnectFailure(target, error);
    if (explained !== error || error instanceof SluiceError) return explained;
    const state = sqlStateOf(error);
    // Other failures are reported as by every command.
    const isOfScript = [null, "data", "schema"].includes(meaningOf(error));
    if (state === null || !(isOfScript || state === sqlStates.lockNotAvailable)) return error;
    const where = place === null ? "" : `${place}: `;
    const remedy =
        state === sqlStates.insufficientPrivilege
            ? "Let the user create in it: grant create on database … and on schema public …, or make it the owner."
            : state === sqlStates.lockNotAvailable
              ? "Another migration, or an ingest, holds the lock and does not release it: end it (pg_stat_activity names it), then try again."
              : "Nothing was changed. If the file is as released, report this.";
    return databaseFault("migration_failed", `${where}${(error as Error).message} (SQLSTATE ${state}).`, remedy, {
        cause: error,
    });
}
