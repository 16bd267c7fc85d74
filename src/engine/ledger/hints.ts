/** Where the loader is to look because somebody outside reported it: sql/engine/hints.sql. */
import type { Sql } from "../../database/connect.ts";

/** Paths of the stream, at most so many; an empty one asks for a listing. They are gone from the ledger. */
export async function takeHints(sql: Sql, streamId: number, most: number): Promise<string[]> {
    const rows = await sql<{ path: string }[]>`
        select path from ingest.take_hints(${streamId}::smallint, ${most}::bigint) as taken (path)`;
    return rows.map(({ path }) => path);
}
