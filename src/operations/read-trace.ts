/** The life of a record: file, bytes, chunk, load, each rule's verdict, batch, commit; and what became of its rivals. */

import type { Sql } from "../database/connect.ts";
import { commandHere } from "../environment.ts";
import { SluiceError } from "../errors.ts";
import type { KnownStream } from "./streams/read-streams.ts";
import type { Trace } from "./trace-schema.ts";

/** The key as a record of its columns, or a place in a file. */
export type TraceSubject = { key: Record<string, string> } | { file: string; record: number };

export type TracedStream = Pick<KnownStream, "name" | "home">;

/**
 * One statement, one snapshot. No records, and nothing stored, when nothing of the subject is kept.
 * @throws SluiceError `stream_removed` when the database has none of the stream's functions
 */
export async function readTrace(sql: Sql, { name, home }: TracedStream, subject: TraceSubject): Promise<Trace> {
    await requireHome(sql, { name, home });
    const place = "file" in subject ? subject : null;
    const key = "key" in subject ? subject.key : {};
    const [row] =
        place !== null
            ? await sql<{ trace: string }[]>`
                  select json_build_object(
                      'records', ${sql(home)}.trace_file_record(${place.file}, ${place.record}),
                      'asOf', statement_timestamp()
                  )::text as trace`
            : home === "ingest"
              ? await sql<{ trace: string }[]>`
                    select json_build_object(
                        'records', coalesce(ingest.trace_key(${Object.values(key)[0]!}), '[]'),
                        'asOf', statement_timestamp()
                    )::text as trace`
              : await sql<{ trace: string }[]>`
                    select (
                        jsonb_build_object('asOf', statement_timestamp())
                        || ${sql(home)}.trace_claims(${JSON.stringify(key)}::text::jsonb)
                    )::text as trace`;
    const { asOf, stored = null, versions = [], absentFrom = null, records } = JSON.parse(row!.trace);
    return { asOf, stream: name, stored, versions, absentFrom, records };
}

/** A stream that was removed, or a dump that was restored without the schemas of streams, has none. */
async function requireHome(sql: Sql, { name, home }: TracedStream): Promise<void> {
    const [row] = await sql<{ isThere: boolean }[]>`
        select exists (
            select from pg_proc
            where pronamespace = to_regnamespace(${home}) and proname = 'trace_file_record'
        ) as "isThere"`;
    if (row!.isThere) return;
    throw new SluiceError({
        code: "stream_removed",
        what: `The database has no functions for the stream ${name}: it was removed, or restored without them.`,
        remedy: `The next \`${commandHere("ingest")}\` of the stream recreates them. Its rejects are kept: \`${commandHere("rejects")}\`.`,
    });
}
