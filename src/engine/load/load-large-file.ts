/** A file that does not fit a group is loaded chunk by chunk. */

import type { LedgerFile } from "../ledger/ledger.ts";
import type { IngestContext } from "../run/context.ts";
import { findCopy, reportCopies } from "./find-copies.ts";
import { type LoadPart, tailOf } from "./load-chunks.ts";
import { afterLoad, loadOrExplain, unlessInputFault, wayOf } from "./load-or-explain.ts";
import type { LoaderState, LoadHooks } from "./loader-state.ts";
import { isUntouched, nextPart } from "./prepare-file.ts";

/** Until its end or its unfinished tail. */
export async function loadLargeFile(
    context: IngestContext,
    state: LoaderState,
    hooks: LoadHooks,
    ledgerFile: LedgerFile,
    firstPart: LoadPart,
): Promise<boolean> {
    const { file, shape, takeTail } = firstPart;
    try {
        if (isUntouched(ledgerFile)) {
            const copy = await unlessInputFault(context, state, [firstPart], async () => ({
                found: await findCopy(context, ledgerFile, firstPart),
            }));
            if (copy === null) return true;
            if (copy.found === "held") {
                state.heldCopies.add(ledgerFile.fileId);
                return false;
            }
            if (copy.found !== null) {
                await reportCopies(context, [{ ledgerFile, copy: copy.found }]);
                return true;
            }
        }
        let part = firstPart;
        while (!hooks.isStopped()) {
            if (!(await hooks.waitForRoom())) return true;
            const loaded = await loadOrExplain(context, state, [part], wayOf(part));
            if (loaded.length === 0) return true;
            const { outcome, isRecorded } = loaded[0]!;
            afterLoad(state, hooks, loaded);
            if (outcome.otherHeader !== null) return true;
            if (!isRecorded || outcome.endByte >= file.sizeBytes) return isRecorded || part !== firstPart;
            part = nextPart(
                context,
                {
                    ...ledgerFile,
                    loadedBytes: outcome.endByte,
                    loadedRecords: part.firstRecordNo + outcome.records - 1,
                    loadedLines: part.firstLineNo + outcome.lines - 1,
                    ...tailOf(part, outcome),
                },
                file,
                shape,
                takeTail,
            );
        }
        return true;
    } finally {
        await file.close();
    }
}
