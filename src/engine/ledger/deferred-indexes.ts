/** Indexes that are away while a backlog is loaded, one function for each statement: sql/engine/deferred_indexes.sql. */
import type { Sql } from "../../database/connect.ts";

export interface DeferredIndex {
    id: number;
    stream: string;
    /** As SQL writes it, with its schema. */
    table: string;
    index: string;
    deferredAt: Date;
    /** Why it could not be made, with the remedy. */
    problem: string | null;
    isBeingMade: boolean;
    /** What Postgres is at, and how many percent of that are done; null where it does not say. */
    phase: string | null;
    percent: number | null;
}

/** `streamId`: null for those of all streams. */
export async function readDeferredIndexes(sql: Sql, streamId: number | null): Promise<DeferredIndex[]> {
    return await sql<DeferredIndex[]>`
        select
            deferred_index_id as id, stream_name as stream, table_name as table, index_name as index,
            deferred_at as "deferredAt", problem, is_being_made as "isBeingMade", phase, percent
        from ingest.deferred_indexes_of(${streamId}::smallint)`;
}

export interface IndexSituation {
    /** The bytes of known files that have not been read yet. Compressed files count as they are. */
    unreadBytes: number;
    stagedRecords: number;
    tableBytes: number;
    /** Indexes that may be away. */
    deferrable: string[];
    /** Why they cannot be: a sentence with the remedy. */
    obstacle: string | null;
}

/** Null when there is no such table. */
export async function examineIndexes(sql: Sql, streamId: number): Promise<IndexSituation | null> {
    const [row] = await sql<IndexSituation[]>`
        select
            unread_bytes as "unreadBytes", staged_records as "stagedRecords", table_bytes as "tableBytes",
            index_names as "deferrable",
            obstacle
        from ingest.examine_indexes(${streamId}::smallint)`;
    return row ?? null;
}

/** Returns their names. */
export async function deferIndexes(sql: Sql, streamId: number, workerId: string): Promise<string[]> {
    const [row] = await sql<{ names: string[] }[]>`
        select ingest.defer_indexes(${streamId}::smallint, ${workerId}::uuid) as names`;
    return row!.names;
}

/** Null: it is there, made by somebody else. */
export async function makeIndex(sql: Sql, id: number): Promise<"made" | "there" | "taken" | null> {
    const [row] = await sql<
        { outcome: "made" | "there" | "taken" | null }[]
    >`select ingest.make_index(${id}) as outcome`;
    return row!.outcome;
}

export async function noteIndexProblem(sql: Sql, id: number, problem: string): Promise<void> {
    await sql`update ingest.deferred_indexes set problem = ${problem} where deferred_index_id = ${id}`;
}
