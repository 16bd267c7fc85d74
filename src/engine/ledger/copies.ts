/** What the ledger knows of files with the same content. */
import type { Sql } from "../../database/connect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import type { SeenFile } from "./files.ts";

export interface KnownContent extends Pick<SeenFile, "sizeBytes" | "mtimeNs" | "inode"> {
    fileId: number;
    path: string;
    state: "loaded" | "merged";
    contentHash: string;
    source: SourceConfig | null;
}

const contentColumns = `
    file_id as "fileId", path, state, size_bytes as "sizeBytes", mtime_ns::text as "mtimeNs", inode::text as inode,
    coalesce(content_hash, '') as "contentHash", source`;

/** Files with one of these whole contents, merged or on the way there. */
export async function filesWithContent(sql: Sql, streamId: number, contentHashes: string[]): Promise<KnownContent[]> {
    return await sql<KnownContent[]>`
        select ${sql.unsafe(contentColumns)}
        from ingest.files
        where
            content_hash = any(${contentHashes}::text[])
            and state in ('loaded', 'merged')
            and stream_id = ${streamId}
        order by file_id`;
}

/** Files of this size that took several chunks, merged or on the way there. */
export async function manyChunkFilesOfSize(sql: Sql, streamId: number, sizeBytes: number): Promise<KnownContent[]> {
    return await sql<KnownContent[]>`
        select ${sql.unsafe(contentColumns)}
        from ingest.files
        where
            content_hash is null
            and size_bytes = ${sizeBytes}
            and state in ('loaded', 'merged')
            and stream_id = ${streamId}
        order by file_id
        limit 100`;
}

interface Copy extends SeenFile {
    fileId: number;
    copyOf: number;
    detail: string;
}

export async function skipCopies(sql: Sql, copies: Copy[]): Promise<void> {
    await sql`select ingest.skip_copies(${JSON.stringify(copies)}::text::jsonb)`;
}

/** By file: how many of its records stand rejected or in conflict. */
export async function standingRejects(
    sql: Sql,
    fileIds: number[],
): Promise<Map<number, { path: string; rejects: number }>> {
    const rows = await sql<{ fileId: number; path: string; rejects: number }[]>`
        select files.file_id as "fileId", files.path, count(*) as rejects
        from ingest.files
        inner join ingest.chunks on chunks.file_id = files.file_id
        inner join ingest.rejects on rejects.chunk_id = chunks.chunk_id
        where files.file_id = any(${fileIds}::bigint[]) and rejects.resolved_by_batch is null
        group by files.file_id`;
    return new Map(rows.map(({ fileId, ...file }) => [fileId, file]));
}
