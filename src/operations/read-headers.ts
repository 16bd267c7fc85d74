/** The header lines of files, for showing a record's values in the order of its file: jsonb keeps none. */
import type { Sql } from "../database/connect.ts";

/** By file id. A file without one is left out. */
export type Headers = ReadonlyMap<number, readonly string[]>;

export async function readHeaders(sql: Sql, fileIds: readonly (number | null)[]): Promise<Headers> {
    const wanted = [...new Set(fileIds.filter((id) => id !== null))];
    if (wanted.length === 0) return new Map();
    const files = await sql<{ fileId: number; header: string[] }[]>`
        select file_id as "fileId", header
        from ingest.files
        where file_id = any(${wanted}::bigint[]) and header is not null`;
    return new Map(files.map(({ fileId, header }) => [Number(fileId), header]));
}
