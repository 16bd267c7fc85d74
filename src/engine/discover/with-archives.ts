/**
 * An inbox whose archives are opened: each member is a file of its own, called `a.zip!/orders.csv`. Its time, inode and ETag
 * are the archive's, its size its own, so that a change of the archive has every member compared. An archive that cannot be
 * read is itself a file, which fails; once it can be read, there is no such file.
 */
import { isArchive, memberPath, splitMember } from "../../streams/archive-path.ts";
import { printOf, type SeenFile } from "../ledger/files.ts";
import { InputFault, type InputFile } from "../read/open-input.ts";
import { readDirectory, type ZipDirectory } from "../read/zip/read-directory.ts";
import type { FoundFile, Inbox } from "./inbox.ts";

interface Opened {
    look: string;
    seen: SeenFile;
    directory: ZipDirectory | InputFault;
}

/** Directories are kept for so many members together, of 200 bytes each; those of others are read again. */
const mostKeptMembers = 200_000;

/** What is asked of files, without archives. */
export type PlainInbox = Omit<Inbox, "filesOf">;

export function withArchives(inbox: PlainInbox): Inbox {
    const kept = createKept();

    /** Null: there is no such archive. @throws what `inbox` throws of the bucket; not what is wrong with the archive */
    async function openArchive(archive: string): Promise<Opened | null> {
        const seen = await inbox.see(archive);
        if (seen === null) return null;
        const known = kept.get(archive, lookOf(seen));
        if (known !== null) return known;
        let file: InputFile | null = null;
        try {
            file = await inbox.open(archive);
            return await readFrom(archive, file);
        } catch (error) {
            if (!(error instanceof InputFault)) throw error;
            return { look: lookOf(seen), seen, directory: error };
        } finally {
            await file?.close();
        }
    }

    async function readFrom(archive: string, file: InputFile): Promise<Opened> {
        const look = lookOf(file.seen);
        const known = kept.get(archive, look);
        if (known !== null) return known;
        const directory = await readDirectory(file).catch((error: unknown) => {
            if (error instanceof InputFault) return error;
            throw error;
        });
        const opened = { look, seen: file.seen, directory };
        const mayPass = directory instanceof InputFault && directory.failure.retryAfterMs !== null;
        if (!mayPass) kept.add(archive, opened);
        return opened;
    }

    const sizeOf = ({ seen, directory }: Opened, member: string | null) =>
        directory instanceof InputFault || member === null
            ? seen.sizeBytes
            : (directory.members.get(member)?.sizeBytes ?? seen.sizeBytes);

    return {
        ...inbox,
        async filesOf(archive) {
            const opened = await openArchive(archive);
            if (opened === null) return [];
            const { seen, directory } = opened;
            if (directory instanceof InputFault) return [{ path: archive, ...seen }];
            const found: FoundFile[] = [];
            for (const [name, { sizeBytes }] of directory.members) {
                found.push({ ...seen, path: memberPath(archive, name), sizeBytes });
            }
            return found;
        },
        async see(path) {
            const split = splitMember(path);
            if (split === null && !isArchive(path)) return await inbox.see(path);
            const opened = await openArchive(split?.archive ?? path);
            if (opened === null) return null;
            const isBroken = opened.directory instanceof InputFault;
            if (split === null) return isBroken ? opened.seen : null;
            if (isBroken || !has(opened.directory, split.member)) return null;
            return { ...opened.seen, sizeBytes: sizeOf(opened, split.member) };
        },
        expect: (files) => inbox.expect(files.filter(({ path }) => !isArchive(path) && splitMember(path) === null)),
        async open(path, as) {
            const split = splitMember(path);
            if (split === null && !isArchive(path)) return await inbox.open(path, as);
            const archive = split?.archive ?? path;
            const file = await inbox.open(archive);
            try {
                const opened = await readFrom(archive, file);
                const name = split?.member ?? null;
                const seen = { ...file.seen, sizeBytes: sizeOf(opened, name) };
                return {
                    ...file,
                    seen,
                    part: { directory: opened.directory, name },
                    // Of an archive that has been cut short nothing is certain.
                    currentSize: async () => ((await file.currentSize()) < file.seen.sizeBytes ? 0 : seen.sizeBytes),
                };
            } catch (error) {
                await file.close();
                throw error;
            }
        },
        async isGone(path) {
            const split = splitMember(path);
            if (split === null && !isArchive(path)) return await inbox.isGone(path);
            const opened = await openArchive(split?.archive ?? path);
            if (opened === null) return await inbox.isGone(split?.archive ?? path);
            if (opened.directory instanceof InputFault) return false;
            return split === null || !has(opened.directory, split.member);
        },
    };
}

const has = (directory: Opened["directory"], member: string) =>
    !(directory instanceof InputFault) && directory.members.has(member);

const lookOf = (seen: SeenFile) => `${printOf(seen)} ${seen.ctimeNs}`;

/** Those that were asked for last. */
function createKept() {
    const byArchive = new Map<string, Opened>();
    let members = 0;
    const sizeOf = ({ directory }: Opened) => (directory instanceof InputFault ? 1 : directory.members.size + 1);
    const drop = (archive: string) => {
        const opened = byArchive.get(archive);
        if (opened === undefined) return;
        byArchive.delete(archive);
        members -= sizeOf(opened);
    };
    return {
        get(archive: string, look: string): Opened | null {
            const opened = byArchive.get(archive);
            if (opened?.look !== look) return null;
            byArchive.delete(archive);
            byArchive.set(archive, opened);
            return opened;
        },
        add(archive: string, opened: Opened): void {
            drop(archive);
            byArchive.set(archive, opened);
            members += sizeOf(opened);
            for (const oldest of byArchive.keys()) {
                if (members <= mostKeptMembers || oldest === archive) return;
                drop(oldest);
            }
        },
    };
}
