/** Small files share a load: their parts are collected as long as one COPY statement carries them. */

import type { LedgerFile } from "../ledger/ledger.ts";
import type { InputFile } from "../read/open-input.ts";
import type { IngestContext } from "../run/context.ts";
import { findCopies, reportCopies } from "./find-copies.ts";
import type { LoadPart } from "./load-chunks.ts";
import { afterLoad, loadOrExplain, statementOf, unlessInputFault, wayOf } from "./load-or-explain.ts";
import type { LoaderState, LoadHooks } from "./loader-state.ts";

export const groupFiles = 500;
const groupBytes = 8 * 1024 * 1024;

export interface LoadGroup {
    add(ledgerFile: LedgerFile, part: LoadPart): Promise<boolean>;
    flush(): Promise<boolean>;
    close(): Promise<void>;
}

interface GroupMember {
    ledgerFile: LedgerFile;
    part: LoadPart;
}

export function startGroup(context: IngestContext, state: LoaderState, hooks: LoadHooks): LoadGroup {
    let members: GroupMember[] = [];
    let bytes = 0;
    const isAlone = ({ ledgerFile }: GroupMember) => state.aloneFiles.has(ledgerFile.fileId);
    const canShare = (one: GroupMember, other: GroupMember): boolean =>
        !isAlone(one) && !isAlone(other) && haveOneStatement(one.part, other.part);
    const flush = async (): Promise<boolean> => {
        const flushed = members;
        members = [];
        bytes = 0;
        return flushed.length > 0 && (await loadGroup(context, state, hooks, flushed));
    };
    return {
        async add(ledgerFile, part) {
            const member = { ledgerFile, part };
            const isFull = members.length >= groupFiles || bytes >= groupBytes;
            const isOther = members[0] && (isFull || !canShare(members[0], member));
            const hasMoved = isOther ? await closeUnless(part.file, flush()) : false;
            members.push(member);
            bytes += part.file.sizeBytes - part.firstByte;
            return hasMoved;
        },
        flush,
        async close() {
            await closeAll(members);
        },
    };
}

function haveOneStatement(one: LoadPart, other: LoadPart): boolean {
    // Files with the same first line have the same shape: no text to make and compare for each of them.
    if (one.shape === other.shape) return true;
    return statementOf(one) === statementOf(other);
}

async function closeAll(members: { part: { file: InputFile } }[]): Promise<void> {
    for (const { part } of members) await part.file.close();
}

async function loadGroup(
    context: IngestContext,
    state: LoaderState,
    hooks: LoadHooks,
    members: GroupMember[],
): Promise<boolean> {
    try {
        const sorted = await unlessInputFault(
            context,
            state,
            members.map(({ part }) => part),
            () => findCopies(context, members),
        );
        if (sorted === null) return true;
        const { toLoad, copies, held } = sorted;
        for (const { ledgerFile } of held) state.heldCopies.add(ledgerFile.fileId);
        if (copies.length > 0) await reportCopies(context, copies);
        if (toLoad.length === 0) return copies.length > 0;
        if (!(await hooks.waitForRoom())) return true;
        const parts = toLoad.map((member) => member.part);
        const loaded = await loadOrExplain(context, state, parts, wayOf(parts[0]!));
        if (loaded.length === 0) return true;
        return afterLoad(state, hooks, loaded) || copies.length > 0;
    } finally {
        await closeAll(members);
    }
}

/** What is loaded before a file may fail (the database is away): then nobody has the file yet who would close it. */
export async function closeUnless<Result>(file: InputFile, isDone: Promise<Result>): Promise<Result> {
    try {
        return await isDone;
    } catch (error) {
        await file.close();
        throw error;
    }
}
