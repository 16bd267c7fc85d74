/**
 * Compares anew what was read of files whose bytes may have changed behind it: those whose ctime is another than when they
 * were last compared, although size, time and inode give no reason to read them again, and those that grew and are larger
 * than what is compared at once (prepare-file.ts). Bytes that differ make the file a new version; equal ones leave no trace.
 * When it does so: load/recheck-loop.ts. Which files these are is found again at each start: the ledger knows as of which
 * ctime a file was last compared.
 */

import { BucketFault } from "../../bucket/faults.ts";
import { sluiceStates, sqlStateOf } from "../../database/sql-states.ts";
import type { IngestContext } from "../context.ts";
import { chunksOfFile } from "../ledger/chunks.ts";
import {
    failFile,
    fileById,
    type LedgerFile,
    noteCompared,
    printOf,
    reopenFiles,
    replaceFile,
    type SeenFile,
} from "../ledger/files.ts";
import { asLoader } from "../ledger/lease.ts";
import { openContent } from "../read/open-content.ts";
import { hashRange, InputFault, type InputFile } from "../read/open-input.ts";
import { type Inbox, inboxOf } from "./inbox.ts";

export interface Rechecks {
    add(fileId: number): void;
    /** One that may be compared now, which is no longer in the list then. Null when there is none. */
    take(now: number): number | null;
    /** It took so long, and is not to be compared again before it would be a hundredth of the time. */
    rest(fileId: number, until: number): void;
    clear(): void;
}

export function createRechecks(): Rechecks {
    const waiting = new Set<number>();
    const notBefore = new Map<number, number>();
    return {
        add: (fileId) => void waiting.add(fileId),
        take(now) {
            for (const fileId of waiting) {
                if ((notBefore.get(fileId) ?? 0) > now) continue;
                waiting.delete(fileId);
                return fileId;
            }
            return null;
        },
        rest: (fileId, until) => void notBefore.set(fileId, until),
        clear() {
            waiting.clear();
            notBefore.clear();
        },
    };
}

type Outcome = "same" | "changed" | "later";

/** @param rest between two blocks; false stops it, and it is done again later. */
export async function recheckFile(
    context: IngestContext & { inbox?: Inbox },
    fileId: number,
    rest: () => Promise<boolean>,
): Promise<Outcome> {
    const ledgerFile = await fileById(context.sql, fileId);
    if (ledgerFile?.state === "pending") return "later";
    if (ledgerFile === null || !["loaded", "merged", "skipped"].includes(ledgerFile.state)) return "same";
    let file: InputFile | null = null;
    try {
        const encoding = ledgerFile.dialect?.encoding ?? (ledgerFile.state === "skipped" ? null : "utf-8");
        file = await openContent(inboxOf(context), context.config, ledgerFile.path, {
            source: ledgerFile.source,
            encoding,
        });
        // Discovery itself sees files that have shrunk and compressed files that were replaced.
        if (file.seen.sizeBytes < ledgerFile.sizeBytes) return "same";
        if (file.isCompressed && file.seen.sizeBytes !== ledgerFile.sizeBytes) return "same";
        return await compare(context, ledgerFile, file, rest);
    } catch (error) {
        // It is gone, or changes this very moment: then it is seen to differ.
        if (error instanceof InputFault) return "same";
        if (error instanceof BucketFault || sqlStateOf(error) === sluiceStates.loadFenced) return "later";
        throw error;
    } finally {
        await file?.close();
    }
}

async function compare(
    context: IngestContext,
    ledgerFile: LedgerFile,
    file: InputFile,
    rest: () => Promise<boolean>,
): Promise<Outcome> {
    const { sql } = context;
    const { fileId, copyOf, path } = ledgerFile;
    // A copy has no chunks of its own: its original's are of the same bytes.
    for (const { firstByte, endByte, contentHash } of await chunksOfFile(sql, copyOf ?? fileId)) {
        if (!(await rest())) return "later";
        const hash = endByte > file.sizeBytes ? null : await hashRange(file, firstByte, endByte, rest);
        if (hash === contentHash) continue;
        if (hash === "stopped") return "later";
        const detail = `Bytes ${firstByte} to ${endByte} have changed since they were read.`;
        if (copyOf === null) await takeRewritten(context, ledgerFile, file.seen, detail);
        else {
            await reopenFiles(sql, [fileId]);
            sayRewritten(context, path, detail);
        }
        return "changed";
    }
    await noteCompared(sql, [{ fileId, ctimeNs: file.seen.ctimeNs! }]);
    return "same";
}

/**
 * Bytes that were taken have changed. The file is a new version, read from its beginning. Its records would be rows a second time where a
 * stream appends them: then the file fails, unless the stream's own file says otherwise.
 */
export async function takeRewritten(
    context: Pick<IngestContext, "sql" | "log" | "stream" | "workerId">,
    { fileId, path, source }: LedgerFile,
    seen: SeenFile,
    detail: string,
): Promise<void> {
    const { log, stream } = context;
    if (stream.mode.name !== "append" || stream.mode.rewritten === "again") {
        await asLoader(context, (sql) => replaceFile(sql, fileId, seen, detail));
        sayRewritten(context, path, detail);
        return;
    }
    const failure = { problem: "rewritten_append", detail, retryAfterMs: null } as const;
    const said = await asLoader(context, (sql) => failFile(sql, fileId, seen, failure, source));
    log.error(`${path} failed: ${said}`, { event: "file_failed", file: path, code: failure.problem });
}

function sayRewritten({ log }: Pick<IngestContext, "log">, path: string, detail: string): void {
    log.warn(`${path} is read again as a new version: ${detail}`, { event: "file_rewritten", file: path });
}

/**
 * Whether the bytes that were read were last compared as of another ctime than the file has now. Files that an older version
 * of Sluice has read, and that look as they did then, need no check.
 */
export function needsRecheck(row: LedgerFile, now: SeenFile): boolean {
    if (row.state === "replaced" || row.state === "failed") return false;
    if (row.loadedBytes === 0 && row.copyOf === null) return false;
    return row.comparedCtimeNs === null ? printOf(row) !== printOf(now) : row.comparedCtimeNs !== now.ctimeNs;
}
