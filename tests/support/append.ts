/** A table without a key, whose stream appends. */
import type { Sql } from "../../src/database/connect.ts";
import type { TableStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import type { Mode } from "../../src/streams/mode.ts";

export type AppendMode = Extract<Mode, { name: "append" }>;

/** As a declaration has it that says nothing more than `mode: "append"`. */
export const appendMode: AppendMode = { name: "append", rewritten: "refuse", copies: "skip" };

export const appendTo = (table: string, mode: Partial<AppendMode> = {}): TableStream =>
    streamOfTable(table, { ...appendMode, ...mode });

/** Readings of a meter: a number of it, which may be null, and a word. */
export async function makeReadings(sql: Sql, name = "readings"): Promise<void> {
    await sql.unsafe(`
        drop table if exists ${name} cascade;
        create table ${name} (meter bigint, word text constraint word_allowed check (word <> 'bad'))`);
}

/** `meter word` of each row, in their order. */
export async function readReadings(sql: Sql, name = "readings"): Promise<string[]> {
    const rows = await sql.unsafe<{ line: string }[]>(
        `select concat_ws(' ', meter, word) as line from ${name} order by meter nulls first, word`,
    );
    return rows.map(({ line }) => line);
}

/** Of all merges and replays of a stream, those that are not 0. */
export async function readSums(sql: Sql, name = "readings"): Promise<Record<string, number>> {
    const [sums] = await sql<Record<string, number>[]>`
        select
            sum(read)::int as read, sum(inserted)::int as inserted, sum(updated)::int as updated,
            sum(duplicate)::int as duplicate, sum(superseded)::int as superseded, sum(deleted)::int as deleted,
            sum(conflict)::int as conflict, sum(rejected)::int as rejected
        from ingest.batches inner join ingest.streams using (stream_id)
        where streams.name = ${name}`;
    return Object.fromEntries(Object.entries(sums!).filter(([, count]) => count !== 0));
}

/** `path:record reasons` of each reject that stands, with its text where it has no values. */
export async function readStanding(sql: Sql): Promise<string[]> {
    const rows = await sql<{ line: string }[]>`
        select concat_ws(' ', files.path || ':' || rejects.record_no, array_to_string(rejects.reasons, ','), rejects.raw_text) as line
        from ingest.rejects
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files on files.file_id = chunks.file_id
        where rejects.resolved_by_batch is null
        order by files.path, rejects.record_no, rejects.reject_id`;
    return rows.map(({ line }) => line);
}
