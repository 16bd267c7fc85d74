/** What the ledger knows of files with the same content. */
import type { Sql } from "../../database/connect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import type { SeenFile } from "./files.ts";

export interface KnownContent extends Pick<SeenFile, "sizeBytes" | "mtimeNs" | "inode" | "versionTag"> {
    fileId: number;
    path: string;
    state: "loaded" | "merged";
    contentHash: string;
    source: SourceConfig | null;
}

const contentColumns = `
    file_id as "fileId", path, state, size_bytes as "sizeBytes", mtime_ns::text as "mtimeNs", inode::text as inode,
    version_tag as "versionTag", coalesce(content_hash, '') as "contentHash", source`;

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

/**
 * Of a stream that appends, all that was read with one of these whole contents or sizes, whatever becomes of the path now: its records
 * are rows, or will be. A hash is kept of what was read as one chunk; else it is "".
 */
export async function appendedContents(
    sql: Sql,
    streamId: number,
    contentHashes: string[],
    sizes: number[],
): Promise<KnownContent[]> {
    return await sql<KnownContent[]>`
        with known_files as (
            select files.* from ingest.files where files.content_hash = any(${contentHashes}::text[])
            union all
            select files.* from ingest.files where files.content_hash is null and files.size_bytes = any(${sizes}::bigint[])
            union all
            -- Its size is that of what was refused.
            select files.*
            from ingest.files
            where
                files.state in ('pending', 'failed')
                and files.stream_id = ${streamId}
                and files.content_hash is null
                and files.loaded_bytes = any(${sizes}::bigint[])
        ),
        read_files as (
            select
                known_files.*,
                (
                    select bool_and(chunks.state = 'merged') from ingest.chunks where chunks.file_id = known_files.file_id
                ) as is_merged
            from known_files
            where known_files.stream_id = ${streamId} and known_files.loaded_bytes > 0
        )
        select ${sql.unsafe(contentColumns)}
        from (
            select
                read_files.file_id, read_files.path, case when is_merged then 'merged' else 'loaded' end as state,
                read_files.size_bytes, read_files.mtime_ns, read_files.inode, read_files.version_tag,
                read_files.content_hash, read_files.source
            from read_files
            where
                read_files.is_merged is not null
                and not exists (
                    select from ingest.chunks
                    where chunks.file_id = read_files.file_id and chunks.state = 'failed'
                )
        ) as appended_files
        order by state desc, file_id`;
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
