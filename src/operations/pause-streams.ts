/** Pauses streams and resumes them, by name or all. The transactions are SQL functions: sql/engine/pause.sql. */
import type { Sql } from "../database/connect.ts";

export interface PausedStream {
    stream: string;
    /** False: it was as asked for before. */
    hasChanged: boolean;
    /** Of the pause, also of one that has ended with this. ISO 8601. */
    pausedAt: string | null;
    pausedBy: string | null;
    pauseReason: string | null;
}

/** `streamId`: null for all that are active. A stream that is paused already keeps who paused it, and why. */
export async function pauseStreams(
    sql: Sql,
    streamId: number | null,
    by: string,
    reason: string | null,
): Promise<PausedStream[]> {
    return await sql<PausedStream[]>`
        select
            stream,
            has_changed as "hasChanged",
            to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "pausedAt",
            pauser as "pausedBy",
            reason as "pauseReason"
        from ingest.pause_streams(${streamId}::smallint, ${by}, ${reason})`;
}

/** `streamId`: null for all. */
export async function resumeStreams(sql: Sql, streamId: number | null): Promise<PausedStream[]> {
    return await sql<PausedStream[]>`
        select
            stream,
            has_changed as "hasChanged",
            to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "pausedAt",
            pauser as "pausedBy",
            reason as "pauseReason"
        from ingest.resume_streams(${streamId}::smallint)`;
}
