/** The streams that the ledger knows (ingest.streams), and how one is found by its name. */
import type { Sql } from "../../database/connect.ts";
import { suggestName } from "../../terminal/suggest-name.ts";

export interface KnownStream {
    streamId: number;
    name: string;
    /** As SQL writes it. */
    table: string;
    mode: string;
    home: string;
    /** Which files are its; null: those that no other stream claims. */
    files: string | null;
    isActive: boolean;
    problem: string | null;
    problemDetail: string | null;
    /** As its file declares it, and what its table must have; of any version, so nothing is sure. */
    declaration: unknown;
    shape: unknown;
}

export async function readStreams(sql: Sql): Promise<KnownStream[]> {
    // As text, since drizzle switches off the JSON parser of the client it is given.
    const [row] = await sql<{ streams: string }[]>`
        select coalesce(json_agg(known_streams order by known_streams."streamId"), '[]')::text as streams
        from (
            select
                stream_id as "streamId", name, table_name as table, mode, home, files, is_active as "isActive", problem,
                problem_detail as "problemDetail", declaration, shape
            from ingest.streams
        ) as known_streams`;
    return JSON.parse(row!.streams);
}

/** The stream of that name, or a sentence that names those there are. */
export function findStream(
    streams: readonly KnownStream[],
    name: string,
): { stream: KnownStream } | { problem: string } {
    const stream = streams.find((known) => known.name === name);
    if (stream !== undefined) return { stream };
    const names = streams.filter(({ isActive }) => isActive).map((known) => known.name);
    const near = suggestName(name, names);
    const shown = names.slice(0, 20).join(", ");
    const all = names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
    return { problem: near === null ? `Unknown stream. Streams: ${all}.` : `Unknown stream. Did you mean ${near}?` };
}
