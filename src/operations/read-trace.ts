/** The life of a record: file, bytes, chunk, load, each rule's verdict, batch, commit; and what became of its rivals. */
import type { Sql } from "../database/connect.ts";
import type { Stream } from "../streams/stream.ts";
import type { Trace } from "./trace-schema.ts";

export type TraceSubject = { key: string } | { file: string; record: number };

/** One statement, one snapshot. No records when nothing of the subject is kept. */
export async function readTrace(sql: Sql, subject: TraceSubject): Promise<Trace> {
    const [row] =
        "key" in subject
            ? await sql<{ trace: string }[]>`
                  select json_build_object(
                      'asOf', statement_timestamp(), 'records', coalesce(ingest.trace_key(${subject.key}), '[]')
                  )::text as trace`
            : await sql<{ trace: string }[]>`
                  select json_build_object(
                      'asOf', statement_timestamp(),
                      'records', ingest.trace_file_record(${subject.file}, ${subject.record})
                  )::text as trace`;
    return JSON.parse(row!.trace);
}

/** A key of the stream, or `file:record` where the last colon counts. Null when it is neither. */
export function parseTraceSubject({ key }: Stream, text: string): TraceSubject | null {
    if (key.type.typed?.form.test(text)) return { key: text.toLowerCase() };
    const match = /^(.+):([1-9]\d{0,14})$/s.exec(text);
    return match ? { file: match[1]!, record: Number(match[2]) } : null;
}
