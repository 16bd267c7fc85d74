/** Files in the ledger, one function for each statement with which the ingest reads or moves them: sql/engine/files.sql. */
import type { Sql } from "../../database/connect.ts";
import type { FileProblem } from "../../database/file-problems.ts";
import type { FileState } from "../../database/schema.ts";
import type { Dialect } from "../../streams/dialect.ts";
import type { SourceConfig } from "../../streams/source-config.ts";

export interface LedgerFile {
    fileId: number;
    /** Relative to the watched folder. */
    path: string;
    version: number;
    state: FileState;
    sizeBytes: number;
    /** Decimal text: only ever compared. */
    mtimeNs: string;
    inode: string;
    versionTag: string | null;
    loadedBytes: number;
    loadedRecords: number;
    loadedLines: number;
    /** Where the record begins that was taken unfinished and is read again when the file grows. */
    tailByte: number | null;
    tailRecordNo: number | null;
    tailLineNo: number | null;
    problem: string | null;
    /** How it has been read so far; null before its first load. */
    dialect: Dialect | null;
    /** Its source in the configuration when it was last read or failed. */
    source: SourceConfig | null;
    /** As what (printOf) it was found too young to go on with; null when it is not left alone. */
    waitsAs: string | null;
    /** The file's ctime when its bytes were last known to be those that were read; null before that was kept. */
    comparedCtimeNs: string | null;
    copyOf: number | null;
}

/** A file by lstat or fstat, or an object of a bucket, as the ledger keeps it. */
export interface SeenFile {
    sizeBytes: number;
    mtimeNs: string;
    /** Changes with every write, and with much that is none (a chmod, a link): see recheck-files.ts. */
    ctimeNs?: string;
    inode: string;
    /** The ETag of an object: with its size all that tells which version it is. */
    versionTag?: string | null;
}

/** Equal for a file that looks the same. */
export function printOf({ sizeBytes, mtimeNs, inode, versionTag }: SeenFile): string {
    return versionTag == null ? `${sizeBytes} ${mtimeNs} ${inode}` : `${sizeBytes} ${versionTag}`;
}

const fileColumns = `
    file_id as "fileId", path, version, state, size_bytes as "sizeBytes", mtime_ns::text as "mtimeNs",
    inode::text as "inode", version_tag as "versionTag", loaded_bytes as "loadedBytes", loaded_records as "loadedRecords",
    loaded_lines as "loadedLines", tail_byte as "tailByte",
    tail_record_no as "tailRecordNo", tail_line_no as "tailLineNo", problem, dialect, source, waits_as as "waitsAs",
    compared_ctime_ns::text as "comparedCtimeNs", copy_of as "copyOf"`;

export async function registerFiles(
    sql: Sql,
    streamId: number,
    seen: (SeenFile & { path: string })[],
): Promise<LedgerFile[]> {
    return await sql<LedgerFile[]>`
        select ${sql.unsafe(fileColumns)}
        from ingest.register_files(${streamId}, ${JSON.stringify(seen)}::text::jsonb)`;
}

/** How many of them the ledger still has: a prune forgets files that are in the archive. */
export async function reopenFiles(sql: Sql, fileIds: number[]): Promise<number> {
    const [row] = await sql<{ files: number }[]>`select ingest.reopen_files(${fileIds}::bigint[]) as files`;
    return row!.files;
}

/** Files to load, in path order from `fromPath` on: the pending ones, and failed ones whose next attempt is due. */
export async function nextFiles(
    sql: Sql,
    streamId: number,
    limit: number,
    exceptFileIds: number[],
    fromPath = "",
): Promise<LedgerFile[]> {
    return await sql<LedgerFile[]>`
        select ${sql.unsafe(fileColumns)}
        from ingest.files
        where
            files.state in ('pending', 'failed')
            and files.stream_id = ${streamId}
            and (files.state = 'pending' or files.next_attempt_at <= clock_timestamp())
            and files.path collate "C" >= ${fromPath}
            and files.file_id <> all(${exceptFileIds}::bigint[])
        order by files.path collate "C"
        limit ${limit}`;
}

/** Whether the records of a snapshot are staged as text, and not typed by COPY. */
export async function wantsText(sql: Sql, fileId: number): Promise<boolean> {
    const [row] = await sql<{ wants: boolean | null }[]>`select ingest.wants_text(${fileId}) as wants`;
    return row?.wants !== false;
}

export async function fileById(sql: Sql, fileId: number): Promise<LedgerFile | null> {
    const [row] = await sql<LedgerFile[]>`
        select ${sql.unsafe(fileColumns)} from ingest.files where files.file_id = ${fileId}`;
    return row ?? null;
}

/** `comparedCtimeNs`: as of which ctime its bytes were compared; null when they were not. */
export async function markFileUnchanged(
    sql: Sql,
    fileId: number,
    seen: SeenFile,
    comparedCtimeNs: string | null,
): Promise<void> {
    await sql`
        select ingest.mark_file_unchanged(
            ${fileId}, ${seen.mtimeNs}::text::bigint, ${seen.inode}::text::numeric, ${comparedCtimeNs}::text::bigint,
            ${seen.versionTag ?? null}
        )`;
}

/** As of these ctimes the files hold what was read of them. */
export async function noteCompared(sql: Sql, files: { fileId: number; ctimeNs: string }[]): Promise<void> {
    await sql`
        update ingest.files
        set compared_ctime_ns = compared."ctimeNs"
        from jsonb_to_recordset(${JSON.stringify(files)}::text::jsonb) as compared ("fileId" bigint, "ctimeNs" bigint)
        where files.file_id = compared."fileId"`;
}

export async function replaceFile(sql: Sql, fileId: number, seen: SeenFile, detail: string): Promise<void> {
    await sql`
        select ingest.replace_file(
            ${fileId}, ${seen.sizeBytes}, ${seen.mtimeNs}::text::bigint, ${seen.inode}::text::numeric, ${detail},
            ${seen.versionTag ?? null}
        )`;
}

/** Tells every process that these files are left alone until they change or have been still for long enough. */
export async function noteWaiting(sql: Sql, files: (SeenFile & { fileId: number })[]): Promise<void> {
    if (files.length === 0) return;
    await sql`
        update ingest.files
        set waits_as = waiting_files.print
        from unnest(
            ${files.map(({ fileId }) => fileId)}::bigint[], ${files.map(printOf)}::text[]
        ) as waiting_files (file_id, print)
        where files.file_id = waiting_files.file_id and files.state in ('pending', 'failed')`;
}

/** Files that no longer look as they did when they began to wait: they are work again. */
export async function endWaiting(sql: Sql, fileIds: number[]): Promise<void> {
    await sql`
        update ingest.files
        set waits_as = null
        where file_id = any(${fileIds}::bigint[]) and waits_as is not null`;
}

/** The stream's files that are left alone. */
export async function waitingFiles(sql: Sql, streamId: number): Promise<{ fileId: number; path: string }[]> {
    return await sql<{ fileId: number; path: string }[]>`
        select file_id as "fileId", path
        from ingest.files
        where
            files.state in ('pending', 'failed')
            and files.stream_id = ${streamId}
            and files.waits_as is not null`;
}

export interface FileFailure {
    problem: FileProblem;
    detail: string;
    /** Null: wait until the file changes. */
    retryAfterMs: number | null;
}

/**
 * `source`: what the configuration said of the file, so that a change of it gives the file another try. Returns what the
 * ledger says of it now, and so whether it is given up.
 */
export async function failFile(
    sql: Sql,
    fileId: number,
    seen: SeenFile | null,
    failure: FileFailure,
    source: SourceConfig | null = null,
): Promise<string> {
    const [row] = await sql<{ detail: string | null }[]>`
        select ingest.fail_file(
            ${fileId}, ${failure.problem}, ${failure.detail}, ${seen?.sizeBytes ?? null},
            ${seen?.mtimeNs ?? null}::text::bigint, ${seen?.inode ?? null}::text::numeric,
            ${failure.retryAfterMs}::float8 * interval '1 millisecond',
            ${source ? JSON.stringify(source) : null}::text::jsonb, ${seen?.versionTag ?? null}
        ) as detail`;
    return row?.detail ?? failure.detail;
}
