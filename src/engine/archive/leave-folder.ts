/**
 * A file leaves the folder in three steps: it is renamed aside (`.sluice-leaving-ID/PATH`, which discovery does not see), looked
 * at again, then moved or deleted. A file that grew meanwhile is put back, as are files that a crash left aside. Nothing here
 * changes a file's bytes, inode or times, so none of this makes a file look new.
 */
import { lstat, mkdir, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { seenOf } from "../read/open-input.ts";
import { type ArchiveContext, isSame, type Leaving, type MergedFile, type Outcome, type Present } from "./leaving.ts";
import { freeNames, moveWithoutOverwriting } from "./move-file.ts";

const asidePrefix = ".sluice-leaving-";

export function leaveFolder(context: ArchiveContext): Leaving {
    return {
        recover: () => putAllBack(context),
        look: ({ path }) => look(join(context.config.inputDir, path)),
        leave: (file) => leave(context, file),
        findGone: (file, isIts) => findGone(context, file, isIts),
    };
}

async function leave(context: ArchiveContext, file: MergedFile): Promise<Outcome> {
    const { inputDir, afterMerge } = context.config;
    const asideDir = join(inputDir, `${asidePrefix}${file.fileId}`);
    const aside = join(asideDir, file.path);
    await mkdir(dirname(aside), { recursive: true });
    try {
        // Another worker may have moved it by now.
        await rename(join(inputDir, file.path), aside);
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
async function findGone(
    context: ArchiveContext,
    file: MergedFile,
    isIts: (sizeBytes: number) => boolean,
): Promise<Outcome> {
    const { inputDir, archiveDir } = context.config;
    await lstat(inputDir);
    let archivedTo: string | null = null;
    // The last of them is the one that was moved last.
    for (const name of freeNames(basename(file.path), String(file.fileId))) {
        const target = join(archiveDir, file.day, dirname(file.path), name);
        const found = await look(target);
        if (found === null) break;
        if (isIts(found.sizeBytes)) archivedTo = target;
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
            if (owner === undefined && context.inbox?.isOwn(path) === false) continue;
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

async function look(path: string): Promise<Present | null> {
    try {
        const stats = await lstat(path, { bigint: true });
        return { ...seenOf(stats), isFile: stats.isFile() };
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
    }
}
