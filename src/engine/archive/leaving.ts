/** What the archiver asks of an inbox. */
import type { IngestContext } from "../context.ts";
import type { StreamInbox } from "../discover/inbox.ts";
import { printOf, type SeenFile } from "../ledger/files.ts";

export interface ArchiveContext extends IngestContext {
    inbox?: StreamInbox;
}

export interface MergedFile extends SeenFile {
    fileId: number;
    path: string;
    comparedCtimeNs: string | null;
    /** The day of its merge in UTC: the archive's folder is the same at every attempt. */
    day: string;
}

/** A file as it is seen now. */
export interface Present extends SeenFile {
    isFile: boolean;
}

/** `grew`: it is another file by now, and stays. */
export type Outcome = { archivedTo: string | null } | "grew";

export interface Leaving {
    /** Undoes what a crash left half done. False when that is not possible now. */
    recover(): Promise<boolean>;
    look(file: MergedFile): Promise<Present | null>;
    /** Moves or deletes it, as `afterMerge` says, if it is still the very one that was merged. */
    leave(file: MergedFile): Promise<Outcome>;
    /** It is not there: archived by an attempt whose end the ledger missed, or removed by somebody. `isIts`: whether a size is the file's. */
    findGone(file: MergedFile, isIts: (sizeBytes: number) => boolean): Promise<Outcome>;
}

export function isSame(present: Present, file: MergedFile): boolean {
    return present.isFile && printOf(present) === printOf(file);
}

export const mergedColumns = `
    file_id as "fileId", path, size_bytes as "sizeBytes", mtime_ns::text as "mtimeNs", inode::text as inode,
    version_tag as "versionTag", compared_ctime_ns::text as "comparedCtimeNs",
    to_char(coalesce(merged_at, updated_at) at time zone 'UTC', 'YYYY-MM-DD') as day`;
