/** Questions to the ledger: the work that is left of a stream, and the outcome of its files. */
import type { Sql } from "../../database/connect.ts";

export interface Backlog {
    /** Records in chunks that are staged and not yet merged in all slices. */
    stagedRecords: number;
    stagedChunks: number;
    /** Chunks that must be staged again and may be tried now. */
    hasLostChunks: boolean;
}

/** Each state is asked for by itself: each has an index of its own, and together they would be looked for in all of history. */
export async function readBacklog(sql: Sql, streamId: number): Promise<Backlog> {
    const [row] = await sql<Backlog[]>`
        select
            coalesce(sum(chunks.records), 0)::bigint as "stagedRecords",
            count(*) as "stagedChunks",
            ${lostChunksExist(sql, streamId)} as "hasLostChunks"
        from ingest.chunks
        where chunks.state = 'staged' and chunks.stream_id = ${streamId}`;
    return row!;
}

const lostChunksExist = (sql: Sql, streamId: number) => sql`
    exists (
        select
        from ingest.chunks as lost_chunks
        where
            lost_chunks.state = 'pending'
            and lost_chunks.stream_id = ${streamId}
            and (lost_chunks.next_attempt_at is null or lost_chunks.next_attempt_at <= clock_timestamp())
    )`;

/** Whether there is anything to merge, stage again, decide on or load now. Files that wait until they are still do not count. */
export async function hasWork(sql: Sql, streamId: number): Promise<boolean> {
    const [row] = await sql<{ hasWork: boolean }[]>`
        select
            exists (select from ingest.chunks where chunks.state = 'staged' and chunks.stream_id = ${streamId})
            or ${lostChunksExist(sql, streamId)}
            or exists (select from ingest.chunks where chunks.state = 'held' and chunks.stream_id = ${streamId})
            or exists (
                select
                from ingest.files
                where
                    files.state in ('pending', 'failed')
                    and files.stream_id = ${streamId}
                    and (files.state = 'pending' or files.next_attempt_at <= clock_timestamp())
                    and files.waits_as is null
            ) as "hasWork"`;
    return row!.hasWork;
}

/**
 * The outcome of files since `begunAt`. A file with a chunk that waits to be staged again later counts as failed: not all of
 * it is in.
 */
export async function countFilesSince(
    sql: Sql,
    streamId: number,
    begunAt: string | null,
): Promise<{ merged: number; skipped: number; failed: number }> {
    const [files] = await sql<{ merged: number; skipped: number; failed: number }[]>`
        select
            count(*) filter (where state = 'merged' and merged_at >= ${begunAt}::text::timestamptz) as merged,
            count(*) filter (where state = 'skipped') as skipped,
            count(*) filter (where state = 'failed') + (
                select count(*)
                from ingest.files as waiting_files
                where
                    waiting_files.state = 'loaded'
                    and waiting_files.stream_id = ${streamId}
                    and waiting_files.file_id in (
                        select chunks.file_id from ingest.chunks where chunks.state = 'pending' and chunks.attempts > 0
                    )
            ) as failed
        from ingest.files
        where updated_at >= ${begunAt}::text::timestamptz and stream_id = ${streamId}`;
    return { ...files! };
}

/** Files that failed before that and stand so. */
export async function countFilesFailedBefore(sql: Sql, streamId: number, begunAt: string | null): Promise<number> {
    const [row] = await sql<{ files: number }[]>`
        select count(*) as files
        from ingest.files
        where
            files.state = 'failed'
            and files.stream_id = ${streamId}
            and files.updated_at < ${begunAt}::text::timestamptz`;
    return row!.files;
}

/** Files that wait until they are still: those whose last record alone does, and those of which nothing could be taken. */
export async function countWaitingFiles(sql: Sql, streamId: number): Promise<{ tails: number; files: number }> {
    const [row] = await sql<{ tails: number; files: number }[]>`
        select
            count(*) filter (where files.loaded_bytes > 0) as tails,
            count(*) filter (where files.loaded_bytes = 0) as files
        from ingest.files
        where
            files.state in ('pending', 'failed')
            and files.stream_id = ${streamId}
            and files.state = 'pending'
            and files.waits_as is not null`;
    return { ...row! };
}

/** By the database's clock. */
export async function readClock(sql: Sql): Promise<string> {
    const [row] = await sql<{ now: string }[]>`select clock_timestamp()::text as now`;
    return row!.now;
}
