/**
 * An archive leaves as one file, once every CSV file in it is merged, whichever stream's it is: then all of these have left. What is
 * no CSV, and no stream takes, leaves with it.
 */
import { isArchive, memberPath, splitMember } from "../../streams/archive-path.ts";
import { inboxOf } from "../discover/inbox.ts";
import { printOf, type SeenFile } from "../ledger/files.ts";
import { type ArchiveContext, type MergedFile, mergedColumns, type Present } from "./leaving.ts";

export interface WholeArchive {
    /** The archive as a file, under the number of the first of its files. */
    file: MergedFile;
    fileIds: number[];
}

interface MemberRow extends MergedFile {
    isDone: boolean;
}

/**
 * Null: it has to stay for now. `present`: the archive as it is; null when it is gone, and then what was merged of it is given.
 * @throws what the inbox throws
 */
export async function findWhole(
    context: ArchiveContext,
    present: Present | null,
    archive: string,
): Promise<WholeArchive | null> {
    if (present === null) return wholeOf(await goneMembers(context, archive), archive, {});
    const found = await inboxOf(context).filesOf(archive);
    const rows = await membersAt(
        context,
        found.map(({ path }) => path),
    );
    const known = new Map(rows.map((row) => [row.path, row]));
    for (const { path, ...seen } of found) {
        const row = known.get(path);
        if (row === undefined ? isWaitedFor(path) : !isAsMerged(seen, row)) return null;
    }
    return wholeOf(rows, archive, { ...present, comparedCtimeNs: null });
}

function wholeOf(rows: readonly MergedFile[], archive: string, seen: Partial<MergedFile>): WholeArchive | null {
    const [first] = rows;
    if (first === undefined) return null;
    return { file: { ...first, ...seen, path: archive }, fileIds: rows.map(({ fileId }) => fileId) };
}

/** Nobody has taken it yet, or it cannot be read. */
function isWaitedFor(path: string): boolean {
    const member = splitMember(path)?.member ?? path;
    return isArchive(member) || (/\.csv(\.gz|\.zst)?$/i.test(member) && !member.startsWith("__MACOSX/"));
}

function isAsMerged(seen: SeenFile, { isDone, ...row }: MemberRow): boolean {
    const isCompared = row.comparedCtimeNs === null || row.comparedCtimeNs === seen.ctimeNs;
    return isDone && printOf(seen) === printOf(row) && isCompared;
}

/** By their paths, of all streams. */
async function membersAt({ sql }: ArchiveContext, paths: string[]): Promise<MemberRow[]> {
    return await sql<MemberRow[]>`
        select ${sql.unsafe(mergedColumns)}, state in ('merged', 'skipped') as "isDone"
        from ingest.files
        where
            stream_id = any(array(select streams.stream_id from ingest.streams))
            and path = any(${paths})
            and state <> 'replaced'
        order by file_id`;
}

/** Its members as the ledger has them, for all streams. */
async function goneMembers({ sql }: ArchiveContext, archive: string): Promise<MergedFile[]> {
    return await sql<MergedFile[]>`
        select ${sql.unsafe(mergedColumns)}
        from ingest.files
        where
            state in ('merged', 'skipped')
            and archived_at is null
            and starts_with(path, ${memberPath(archive, "")})
        order by file_id`;
}
