/**
 * Archives or deletes files after their merge (`--after-merge archive | delete`): only after the commit, and only when the
 * file is still and is the very one that was merged. Otherwise discovery continues it. How a file leaves is the inbox's own
 * (leaving.ts). The ledger is updated last; until then the step is tried again. An archive leaves when all that is in it has been
 * merged (whole-archive.ts).
 */
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { placeOf } from "../../streams/archive-path.ts";
import type { FileClocks } from "../discover/file-age.ts";
import { inboxOf } from "../discover/inbox.ts";
import { leaveBucket } from "./leave-bucket.ts";
import { leaveFolder } from "./leave-folder.ts";
import { type ArchiveContext, isSame, type Leaving, type MergedFile, mergedColumns, type Present } from "./leaving.ts";
import { findWhole } from "./whole-archive.ts";

export type Archiver = ReturnType<typeof createArchiver>;

interface Waiting {
    stillSince: number;
    failures: number;
    nextTryAt: number;
}

const pageFiles = 500;
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;

interface Pass {
    context: ArchiveContext;
    leaving: Leaving;
    settleMs: number;
    now: number;
    ageOf: NonNullable<FileClocks["ageOf"]>;
    waiting: Map<number, Waiting>;
    /** Archives that this pass has looked at. */
    archives: Set<string>;
    young: { files: number; undated: number };
}

/** A file must have been still for `settleMs`: by its own times where `ageOf` tells them, else on our own clock. */
export function createArchiver(context: ArchiveContext, settleMs: number, clocks: FileClocks = {}) {
    const { afterMerge } = context.config;
    const { now = () => performance.now(), ageOf = () => null } = clocks;
    const inbox = inboxOf(context);
    const leaving = inbox.place === null ? leaveFolder(context) : leaveBucket(context, inbox.place);
    const waiting = new Map<number, Waiting>();
    let young = { files: 0, undated: 0 };
    let isRecovered = false;
    /** Once: puts files back that a crash left aside. Before the first look at the folder, which then sees them as they are. */
    async function recover(): Promise<void> {
        if (!isRecovered) isRecovered = await leaving.recover();
    }
    return {
        recover,
        /** In the latest pass: files that are too young to leave, and how many of them have no usable times. */
        young: () => young,
        /** One pass over the files that are merged and still here. Returns how many left. Throws what the database throws. */
        async pass(): Promise<number> {
            await recover();
            if (afterMerge === "keep") return 0;
            young = { files: 0, undated: 0 };
            const archives = new Set<string>();
            let left = 0;
            let after = 0;
            while (true) {
                const files = await mergedFiles(context, after);
                for (const file of files) {
                    const pass = { context, leaving, settleMs, now: now(), ageOf, waiting, archives, young };
                    if (await takeAway(pass, file)) left += 1;
                }
                if (files.length < pageFiles) return left;
                after = files.at(-1)!.fileId;
            }
        },
    };
}

async function takeAway(pass: Pass, file: MergedFile): Promise<boolean> {
    const { context, leaving, now, waiting, archives } = pass;
    const path = placeOf(file.path);
    const isMember = path !== file.path;
    if (isMember && archives.has(path)) return false;
    archives.add(path);
    const entry = waiting.get(file.fileId) ?? { stillSince: now, failures: 0, nextTryAt: now };
    if (now < entry.nextTryAt) return false;
    let left: Left;
    try {
        const present = await leaving.look({ ...file, path });
        if (present !== null && !isMember && !(isSame(present, file) && isCompared(present, file))) {
            waiting.delete(file.fileId);
            return false;
        }
        waiting.set(file.fileId, entry);
        if (present !== null && isYoung(pass, path, present, entry)) return false;
        const whole = isMember ? await findWhole(context, present, path) : { file, fileIds: [file.fileId] };
        if (whole === null) return false;
        if (present !== null) await passFaultPoint("before-archive");
        // The ledger does not know how large an archive was that is gone.
        const isIts = (sizeBytes: number) => isMember || sizeBytes === file.sizeBytes;
        const outcome = present === null ? await leaving.findGone(whole.file, isIts) : await leaving.leave(whole.file);
        if (outcome === "grew") {
            waiting.delete(file.fileId);
            return false;
        }
        left = { fileIds: whole.fileIds, archivedTo: outcome.archivedTo };
    } catch (error) {
        entry.failures += 1;
        entry.nextTryAt = now + Math.min(firstRetryMs * 2 ** entry.failures, longestRetryMs);
        if (entry.failures === 1) {
            const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
            const facts = { event: "archive_failed", file: path, code: reason };
            context.log.warn(`${path} is merged but cannot be moved out of the folder (${reason}). Retrying.`, facts);
        }
        waiting.set(file.fileId, entry);
        return false;
    }
    await passFaultPoint("before-archive-noted");
    await noteArchived(context, left);
    waiting.delete(file.fileId);
    return true;
}

/** Counts it too. */
function isYoung({ settleMs, now, ageOf, young }: Pass, path: string, present: Present, entry: Waiting): boolean {
    const age = ageOf(path, present);
    if ((age ?? now - entry.stillSince) >= settleMs) return false;
    young.files += 1;
    if (age === null) young.undated += 1;
    return true;
}

/** A file whose bytes may have changed after they were read (recheck-files.ts) stays until that is known. */
function isCompared({ ctimeNs }: Present, { comparedCtimeNs }: MergedFile): boolean {
    return comparedCtimeNs === null || comparedCtimeNs === ctimeNs;
}

/** Merged files, and copies of them, that the ledger believes to be in the folder. */
async function mergedFiles({ sql, stream }: ArchiveContext, afterFileId: number): Promise<MergedFile[]> {
    return await sql<MergedFile[]>`
        select ${sql.unsafe(mergedColumns)}
        from ingest.files
        where
            state in ('merged', 'skipped')
            and stream_id = ${stream.id}
            and archived_at is null
            and file_id > ${afterFileId}
        order by file_id
        limit ${pageFiles}`;
}

/** Files of the ledger that have left together. */
interface Left {
    fileIds: readonly number[];
    archivedTo: string | null;
}

async function noteArchived({ sql }: ArchiveContext, { fileIds, archivedTo }: Left): Promise<void> {
    await sql`
        update ingest.files
        set archived_at = clock_timestamp(), archived_to = ${archivedTo}
        where file_id = any(${fileIds as number[]}::bigint[]) and state in ('merged', 'skipped')`;
}
