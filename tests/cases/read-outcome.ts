/** The outcome of a case, as the database has it, in the form of expected.json. */
import type { Sql } from "../../src/database/connect.ts";
import type { Counts, ExpectedEvent, ExpectedReject } from "./read-case.ts";

export interface Outcome {
    files: { path: string; state: string; problem: string | null }[];
    events: ExpectedEvent[];
    rejects: ExpectedReject[];
    counts: Counts;
}

export async function readOutcome(sql: Sql): Promise<Outcome> {
    return {
        files: [
            ...(await sql<Outcome["files"]>`
                select files.path, files.state, files.problem
                from ingest.files
                order by files.path collate "C", files.version`),
        ],
        events: [
            ...(await sql<ExpectedEvent[]>`
                select
                    events.event_id::text,
                    events.event_type,
                    events.product_id,
                    events.user_id,
                    to_char(events.event_timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as event_timestamp,
                    events.quantity,
                    events.price::text,
                    events.attributes,
                    files.path as file,
                    events.record_no::integer
                from public.events
                left join ingest.chunks on chunks.chunk_id = events.chunk_id
                left join ingest.files on files.file_id = chunks.file_id
                order by events.event_id`),
        ],
        rejects: [
            ...(await sql<ExpectedReject[]>`
                select
                    files.path as file,
                    rejects.record_no::integer,
                    rejects.kind,
                    rejects.reasons,
                    rejects.record,
                    rejects.raw_text,
                    rejects.line_no::integer,
                    rejects.byte_offset::integer
                from ingest.rejects
                left join ingest.chunks on chunks.chunk_id = rejects.chunk_id
                left join ingest.files on files.file_id = chunks.file_id
                order by files.path collate "C", rejects.record_no, rejects.reject_id`),
        ],
        counts: (
            await sql<Counts[]>`
                select
                    coalesce(sum(batches.read), 0)::integer as read,
                    coalesce(sum(batches.inserted), 0)::integer as inserted,
                    coalesce(sum(batches.duplicate), 0)::integer as duplicate,
                    coalesce(sum(batches.conflict), 0)::integer as conflict,
                    coalesce(sum(batches.rejected), 0)::integer as rejected
                from ingest.batches`
        )[0]!,
    };
}
