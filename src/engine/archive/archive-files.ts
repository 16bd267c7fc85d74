/**
 * Archives or deletes files after their merge (`--after-merge archive | delete`): only after the commit, and only when the
 * file is still and is the very one that was merged. Otherwise discovery continues it.
 *
 * A file leaves in three steps: it is renamed aside (`.sluice-leaving-ID/PATH`, which discovery does not see), looked at
 * again, then moved or deleted. A file that grew meanwhile is put back, as are files that a crash left aside. The ledger is
 * updated last; until then the step is tried again. Nothing here changes a file's bytes, inode or times, so none of this
 * makes a file look new.
 */
import { lstat, mkdir, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import type { IngestContext } from "../context.ts";
import type { FileClocks } from "../discover/file-age.ts";
import type { StreamFolder } from "../discover/input-tree.ts";
import { printOf, type SeenFile } from "../ledger/files.ts";
import { seenOf } from "../read/open-input.ts";
import { freeNames, moveWithoutOverwriting } from "./move-file.ts";

export type Archiver = ReturnType<typeof createArchiver>;

interface MergedFile extends SeenFile {
    fileId: number;
    path: string;
    comparedCtimeNs: string | null;
    /** The day of its merge in UTC: the archive's folder is the same at every attempt. */
    day: string;
}

interface Waiting {
    stillSince: number;
    failures: number;
    nextTryAt: number;
}

interface ArchiveContext extends IngestContext {
    folder?: StreamFolder;
}

const asidePrefix = ".sluice-leaving-";
const pageFiles = 500;
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;

interface Pass {
    context: ArchiveContext;
    settleMs: number;
    now: number;
    ageOf: NonNullable<FileClocks["ageOf"]>;
    waiting: Map<number, Waiting>;
    young: { files: number; undated: number };
}

/** A file must have been still for `settleMs`: by its own times where `ageOf` tells them, else on our own clock. */
export function createArchiver(context: ArchiveContext, settleMs: number, clocks: FileClocks = {}) {
    const { afterMerge } = context.config;
    const { now = () => performance.now(), ageOf = () => null } = clocks;
    const waiting = new Map<number, Waiting>();
    let young = { files: 0, undated: 0 };
    let isRecovered = false;
    /** Once: puts files back that a crash left aside. Before the first look at the folder, which then sees them as they are. */
    async function recover(): Promise<void> {
        if (!isRecovered) isRecovered = await putAllBack(context);
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
            let left = 0;
            let after = 0;
            while (true) {
                const files = await mergedFiles(context, after);
                for (const file of files) {
                    if (await takeAway({ context, settleMs, now: now(), ageOf, waiting, young }, file)) left += 1;
                }
                if (files.length < pageFiles) return left;
                after = files.at(-1)!.fileId;
            }
        },
    };
}

async function takeAway(pass: Pass, file: MergedFile): Promise<boolean> {
    const { context, now, waiting } = pass;
    const entry = waiting.get(file.fileId) ?? { stillSince: now, failures: 0, nextTryAt: now };
    if (now < entry.nextTryAt) return false;
    let archivedTo: string | null;
    try {
        const present = await look(join(context.config.inputDir, file.path));
        if (present !== null && !(isSame(present, file) && isCompared(present, file))) {
            waiting.delete(file.fileId);
            return false;
        }
        waiting.set(file.fileId, entry);
        if (present !== null && isYoung(pass, file.path, present, entry)) return false;
        const outcome = present === null ? await findGone(context, file) : await leave(context, file);
        if (outcome === "grew") {
            waiting.delete(file.fileId);
            return false;
        }
        archivedTo = outcome.archivedTo;
    } catch (error) {
        entry.failures += 1;
        entry.nextTryAt = now + Math.min(firstRetryMs * 2 ** entry.failures, longestRetryMs);
        if (entry.failures === 1) {
            const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
            const facts = { event: "archive_failed", file: file.path, code: reason };
            context.log.warn(
                `${file.path} is merged but cannot be moved out of the folder (${reason}). Retrying.`,
                facts,
            );
        }
        waiting.set(file.fileId, entry);
        return false;
    }
    await passFaultPoint("before-archive-noted");
    await noteArchived(context, file.fileId, archivedTo);
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

type Outcome = { archivedTo: string | null } | "grew";

async function leave(context: ArchiveContext, file: MergedFile): Promise<Outcome> {
    const { inputDir, afterMerge } = context.config;
    const asideDir = join(inputDir, `${asidePrefix}${file.fileId}`);
    const aside = join(asideDir, file.path);
    await mkdir(dirname(aside), { recursive: true });
    await passFaultPoint("before-archive");
    await rename(join(inputDir, file.path), aside);
    try {
        await passFaultPoint("in-archive");
        const seen = await look(aside);
        if (seen === null || !isSame(seen, file)) return await giveBack(context, aside, file);
        if (afterMerge === "delete") {
            await unlink(aside);
            return { archivedTo: null };
        }
        // As `YYYY-MM-DD/PATH`, or with its number in the name when another is there.
        const folder = join(context.config.archiveDir, file.day);
        const target = join(folder, await moveInto(folder, file.path, aside, String(file.fileId)));
        const moved = await look(target);
        // Whoever still had it open may have written to it on its way.
        if (moved !== null && moved.sizeBytes !== file.sizeBytes) return await giveBack(context, target, file);
        return { archivedTo: target };
    } catch (error) {
        if ((await look(aside)) !== null) await giveBack(context, aside, file);
        throw error;
    } finally {
        // What is not empty stays: the next start puts back what is in it.
        await removeEmpty(asideDir, file.path);
    }
}

async function giveBack({ config, log }: ArchiveContext, from: string, file: MergedFile): Promise<"grew"> {
    const path = await moveInto(config.inputDir, file.path, from, String(file.fileId));
    if (path !== file.path) {
        const facts = { event: "file_put_back", file: path };
        log.warn(
            `${file.path} changed while it was being moved, and a new file took its name: it was put back as ${path}.`,
            facts,
        );
    }
    return "grew";
}

/** Moves it to where `path` is under `folder`, or beside that when another is there. Returns the path under `folder`. */
async function moveInto(folder: string, path: string, from: string, suffix: string): Promise<string> {
    const place = dirname(path);
    await mkdir(join(folder, place), { recursive: true });
    return join(place, await moveWithoutOverwriting(from, join(folder, place), basename(path), suffix));
}

/** Removes `folder`, and the subfolders that `path` made in it, as far as they are empty. */
async function removeEmpty(folder: string, path: string): Promise<void> {
    try {
        for (let place = dirname(path); place !== "."; place = dirname(place)) await rmdir(join(folder, place));
        await rmdir(folder);
    } catch {
        // There is something in it.
    }
}

/** It is not here: archived by an attempt whose end the ledger missed, or removed by somebody. */
async function findGone(context: ArchiveContext, file: MergedFile): Promise<Outcome> {
    const { inputDir, archiveDir } = context.config;
    await lstat(inputDir);
    let archivedTo: string | null = null;
    // The last of them is the one that was moved last.
    for (const name of freeNames(basename(file.path), String(file.fileId))) {
        const target = join(archiveDir, file.day, dirname(file.path), name);
        const found = await look(target);
        if (found === null) break;
        if (found.sizeBytes === file.sizeBytes) archivedTo = target;
    }
    return { archivedTo };
}

/** Returns false if the folder cannot be read; discovery reports that. A later pass archives the files again. */
async function putAllBack(context: ArchiveContext): Promise<boolean> {
    const { inputDir } = context.config;
    const names = await readdir(inputDir).catch(() => null);
    if (names === null) return false;
    const ids = names.filter((name) => name.startsWith(asidePrefix)).map((name) => name.slice(asidePrefix.length));
    if (ids.length === 0) return true;
    const owners = await streamsOf(context, ids);
    for (const id of ids) {
        const owner = owners.get(id);
        if (owner !== undefined && owner !== context.stream.id) continue;
        const folder = join(inputDir, `${asidePrefix}${id}`);
        for (const path of await filesIn(folder)) {
            if (owner === undefined && context.folder?.isOwn(path) === false) continue;
            await moveInto(inputDir, path, join(folder, path), id);
            await removeEmpty(folder, path);
        }
        await rmdir(folder).catch(() => {});
    }
    return true;
}

async function filesIn(folder: string): Promise<string[]> {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
    return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Those of other streams are theirs to put back, or about to leave. Of a file that the ledger does not know its path decides. */
async function streamsOf({ sql }: ArchiveContext, ids: string[]): Promise<Map<string, number>> {
    const fileIds = ids.filter((id) => /^\d{1,15}$/.test(id));
    const rows = await sql<{ id: string; streamId: number }[]>`
        select file_id::text as id, stream_id as "streamId"
        from ingest.files
        where file_id = any(${fileIds}::bigint[])`;
    return new Map(rows.map(({ id, streamId }) => [id, streamId]));
}

/** A file as it is seen in a folder now. */
interface Present extends SeenFile {
    isFile: boolean;
}

async function look(path: string): Promise<Present | null> {
    try {
        const stats = await lstat(path, { bigint: true });
        return { ...seenOf(stats), isFile: stats.isFile() };
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
    }
}

function isSame(present: Present, file: MergedFile): boolean {
    return present.isFile && printOf(present) === printOf(file);
}

/** A file whose bytes may have changed after they were read (recheck-files.ts) stays until that is known. */
function isCompared({ ctimeNs }: Present, { comparedCtimeNs }: MergedFile): boolean {
    return comparedCtimeNs === null || comparedCtimeNs === ctimeNs;
}

/** Merged files, and copies of them, that the ledger believes to be in the folder. */
async function mergedFiles({ sql, stream }: ArchiveContext, afterFileId: number): Promise<MergedFile[]> {
    return await sql<MergedFile[]>`
        select
            file_id as "fileId",
            path,
            size_bytes as "sizeBytes",
            mtime_ns::text as "mtimeNs",
            inode::text as inode,
            compared_ctime_ns::text as "comparedCtimeNs",
            to_char(coalesce(merged_at, updated_at) at time zone 'UTC', 'YYYY-MM-DD') as day
        from ingest.files
        where
            state in ('merged', 'skipped')
            and stream_id = ${stream.id}
            and archived_at is null
            and file_id > ${afterFileId}
        order by file_id
        limit ${pageFiles}`;
}

async function noteArchived({ sql }: ArchiveContext, fileId: number, archivedTo: string | null): Promise<void> {
    await sql`
        update ingest.files
        set archived_at = clock_timestamp(), archived_to = ${archivedTo}
        where file_id = ${fileId} and state in ('merged', 'skipped')`;
}
