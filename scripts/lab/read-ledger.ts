/** Reads the ledger about the lab's files. Each query is one statement, repeated while the database is unreachable. */
import type { Sql } from "../../src/database/connect.ts";
import { isConnectionFault, isRetryable } from "../../src/database/sql-states.ts";
import { countNames, type RecordCounts } from "../../src/terminal/record-counts.ts";

export interface FileVersion extends RecordCounts {
    fileId: number;
    path: string;
    version: number;
    state: string;
    copyOf: number | null;
    problemDetail: string | null;
    loadedRecords: number;
    /** The newest load that counts for any of it. */
    loadId: number | null;
    stagedRecords: number;
    batchIds: number[];
}

const askAgainMs = 50;

/** Rejects with the last error when the database has not answered for `withinMs`, or when waiting will not help. */
export async function askUntilAnswered<Answer>(ask: () => PromiseLike<Answer>, withinMs = 60_000): Promise<Answer> {
    const deadline = performance.now() + withinMs;
    while (true) {
        try {
            return await ask();
        } catch (error) {
            if (!(isConnectionFault(error) || isRetryable(error)) || performance.now() > deadline) throw error;
            await Bun.sleep(askAgainMs);
        }
    }
}

/** Every version of these paths, oldest first. */
export function readVersions(sql: Sql, paths: readonly string[]): Promise<FileVersion[]> {
    return askUntilAnswered(
        () => sql<FileVersion[]>`
            select
                files.file_id as "fileId", files.path, files.version, files.state, files.copy_of as "copyOf",
                files.problem_detail as "problemDetail", files.loaded_records as "loadedRecords",
                staged.load_id as "loadId", staged.records as "stagedRecords",
                ${perCount(sql, (name) => `merged.${name}`)},
                merged.batch_ids as "batchIds"
            from ingest.files
            cross join lateral (
                select
                    max(chunks.load_id) as load_id,
                    coalesce(sum(chunks.records) filter (where chunks.state = 'staged'), 0)::bigint as records
                from ingest.chunks
                where chunks.file_id = files.file_id
            ) as staged
            cross join lateral (
                select
                    ${perCount(sql, (name) => `coalesce(sum(chunk_merges.${name}), 0)::bigint as ${name}`)},
                    coalesce(array_agg(distinct chunk_merges.batch_id) filter (where chunk_merges.batch_id is not null), '{}')
                    as batch_ids
                from ingest.chunks
                inner join ingest.chunk_merges on chunk_merges.chunk_id = chunks.chunk_id
                where chunks.file_id = files.file_id
            ) as merged
            where files.path = any(${[...paths]}::text[])
            order by files.file_id`,
    );
}

/** How many of these ids are in events. It is the primary key, so none is there twice. */
export async function countEvents(sql: Sql, eventIds: readonly string[]): Promise<number> {
    const [row] = await askUntilAnswered(
        () => sql<{ events: number }[]>`
            select count(*) as events from public.events where event_id = any(${[...eventIds]}::uuid[])`,
    );
    return row!.events;
}

export interface ReasonCount {
    reason: string;
    records: number;
    /** One of them. */
    recordNo: number;
}

/** The reasons of a file's rejects, the most frequent first. */
export function readReasons(sql: Sql, path: string): Promise<ReasonCount[]> {
    return askUntilAnswered(
        () => sql<ReasonCount[]>`
            select reasons.reason, count(*) as records, min(rejects.record_no) as "recordNo"
            from ingest.files
            inner join ingest.chunks on chunks.file_id = files.file_id
            inner join ingest.rejects on rejects.chunk_id = chunks.chunk_id
            cross join unnest(rejects.reasons) as reasons (reason)
            where files.path = ${path}
            group by reasons.reason
            order by records desc, reasons.reason`,
    );
}

const perCount = (sql: Sql, text: (name: keyof RecordCounts) => string) => sql.unsafe(countNames.map(text).join(", "));
