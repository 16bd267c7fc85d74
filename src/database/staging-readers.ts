/** Sessions that keep the merged rows of `ingest.staging` from being removed, and the remedy. */
import type { Sql } from "./connect.ts";

/** A session, or a prepared transaction, that has read the table and has not ended its transaction. */
export interface StagingReader {
    /** Null for a prepared transaction. */
    pid: number | null;
    preparedAs: string | null;
    userName: string | null;
    applicationName: string | null;
    /** Such as "idle in transaction"; null where only a role of pg_read_all_stats may see it. */
    state: string | null;
    since: string | null;
}

/** The longest first; `null` since last. Without a stream: those of any. */
export async function readStagingReaders(sql: Sql, streamId: number | null = null): Promise<StagingReader[]> {
    return await sql<StagingReader[]>`
        select
            pid,
            prepared_as as "preparedAs",
            user_name::text as "userName",
            application_name as "applicationName",
            state,
            to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since
        from ingest.staging_readers(${streamId}::smallint) as staging_readers
        order by staging_readers.since, pid`;
}

/** `session 4711 (psql, user ann, idle in transaction since 2026-11-29T10:00:00.000Z)`. */
export function describeReader({ pid, preparedAs, userName, applicationName, state, since }: StagingReader): string {
    const who = pid === null ? `the prepared transaction ${preparedAs}` : `session ${pid}`;
    const facts = [
        applicationName || null,
        userName === null ? null : `user ${userName}`,
        [state ?? "in a transaction", since === null ? null : `since ${since}`]
            .filter((part) => part !== null)
            .join(" "),
    ];
    return `${who} (${facts.filter((fact) => fact !== null).join(", ")})`;
}

export function remedyForReader({ pid, preparedAs }: StagingReader): string {
    return pid === null
        ? `End it: commit prepared '${preparedAs}' or rollback prepared '${preparedAs}'.`
        : `Let it end, or end it: select pg_terminate_backend(${pid}). Dumps: see docs/operations.md, Backup.`;
}
