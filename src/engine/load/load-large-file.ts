/** A file that does not fit a group is loaded chunk by chunk, until its end or its unfinished tail. */
import type { LedgerFile } from "../ledger/files.ts";
import type { LoadPart, StagedOutcome } from "../stage/stage-parts.ts";
import { tailOf } from "./load-chunks.ts";
import { loadDirect } from "./load-direct.ts";
import { hasRecords, loadParts, skipCopiesOf } from "./load-parts.ts";
import type { Loader } from "./loader.ts";
import { nextPart } from "./prepare-file.ts";

/** Returns whether that moved anything. */
export async function loadLargeFile(loader: Loader, ledgerFile: LedgerFile, firstPart: LoadPart): Promise<boolean> {
    const { file } = firstPart;
    try {
        const sorted = await skipCopiesOf(loader, [{ ledgerFile, part: firstPart }]);
        if (sorted === null) return true;
        if (sorted.toLoad.length === 0) return sorted.hasSkipped;
        const behind = (part: LoadPart, outcome: StagedOutcome) => partBehind(loader, ledgerFile, part, outcome);
        let part = await loadDirect(loader, firstPart, behind);
        while (part !== null && !loader.isStopped()) {
            if (!(await loader.waitForRoom())) return true;
            const loaded = await loadParts(loader, [part]);
            if (loaded.length === 0) return true;
            const { outcome } = loaded[0]!;
            if (outcome.otherHeader !== null) return true;
            if (!hasRecords(loaded)) return part !== firstPart;
            part = behind(part, outcome);
        }
        return true;
    } finally {
        await file.close();
    }
}

/** Null when the file is at its end. */
function partBehind(loader: Loader, ledgerFile: LedgerFile, part: LoadPart, outcome: StagedOutcome): LoadPart | null {
    const { file, shape, takeTail, isTyped = false } = part;
    if (outcome.endByte >= file.sizeBytes) return null;
    const loadedSoFar = {
        ...ledgerFile,
        loadedBytes: outcome.endByte,
        loadedRecords: part.firstRecordNo + outcome.records - 1,
        loadedLines: part.firstLineNo + outcome.lines - 1,
        ...tailOf(part, outcome),
    };
    return { ...nextPart(loader, loadedSoFar, file, shape, takeTail), isTyped, takenTo: part.takenTo };
}
