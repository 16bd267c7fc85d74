/** Small files share a load: their parts are collected as long as one COPY statement carries them. */
import type { LedgerFile } from "../ledger/files.ts";
import type { InputFile } from "../read/open-input.ts";
import type { LoadPart } from "../stage/stage-parts.ts";
import type { Candidate } from "./find-copies.ts";
import { haveOneStatement } from "./ladder.ts";
import { hasRecords, loadParts, skipCopiesOf } from "./load-parts.ts";
import type { Loader } from "./loader.ts";

export const groupFiles = 500;
export const groupBytes = 8 * 1024 * 1024;

export type LoadGroup = ReturnType<typeof startGroup>;

/** Parts that are added are loaded when the group is full or flushed. `add` and `flush` return whether they moved anything. */
export function startGroup(loader: Loader) {
    let members: Candidate[] = [];
    let bytes = 0;
    const isAlone = ({ ledgerFile }: Candidate) => loader.triedAlone.has(ledgerFile.fileId);
    const canShare = (one: Candidate, other: Candidate): boolean =>
        !isAlone(one) && !isAlone(other) && haveOneStatement(one.part, other.part);
    const flush = async (): Promise<boolean> => {
        const flushed = members;
        members = [];
        bytes = 0;
        return flushed.length > 0 && (await loadGroup(loader, flushed));
    };
    return {
        async add(ledgerFile: LedgerFile, part: LoadPart): Promise<boolean> {
            const member = { ledgerFile, part };
            const isFull = members.length >= groupFiles || bytes >= groupBytes;
            const isOther = members[0] && (isFull || !canShare(members[0], member));
            const hasMoved = isOther ? await closeUnless(part.file, flush()) : false;
            members.push(member);
            bytes += part.file.sizeBytes - part.firstByte;
            return hasMoved;
        },
        flush,
        close: () => closeAll(members),
    };
}

async function closeAll(members: Candidate[]): Promise<void> {
    for (const { part } of members) await part.file.close();
}

async function loadGroup(loader: Loader, members: Candidate[]): Promise<boolean> {
    try {
        const sorted = await skipCopiesOf(loader, members);
        if (sorted === null) return true;
        const { toLoad, hasSkipped } = sorted;
        if (toLoad.length === 0) return hasSkipped;
        if (!(await loader.waitForRoom())) return true;
        const loaded = await loadParts(
            loader,
            toLoad.map(({ part }) => part),
        );
        return hasSkipped || loaded.length === 0 || hasRecords(loaded);
    } finally {
        await closeAll(members);
    }
}

/** Closes the file if the load before it fails, because it is not in a group yet and nothing else would close it. */
export async function closeUnless<Result>(file: InputFile, isDone: Promise<Result>): Promise<Result> {
    try {
        return await isDone;
    } catch (error) {
        await file.close();
        throw error;
    }
}
