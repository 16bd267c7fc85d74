/**
 * Keeps the ledger's list of the files that arrive in a stream's inbox (inbox.ts). Looking is the truth; what is reported, by
 * `fs.watch` or anybody else, only says when to look and where.
 */
import type { SourceConfig } from "../../streams/source-config.ts";
import { readingSourceOf, sourceKey } from "../../streams/source-of.ts";
import type { IngestContext } from "../context.ts";
import {
    endWaiting,
    type LedgerFile,
    noteCompared,
    printOf,
    registerFiles,
    reopenFiles,
    type SeenFile,
} from "../ledger/files.ts";
import type { LedgerProof } from "../ledger/ledger-proof.ts";
import type { StreamWork } from "../ledger/watch-work.ts";
import { collectWhenLarge } from "./collect-when-large.ts";
import { createForgetGone } from "./forget-gone.ts";
import type { FoundFile, StreamInbox } from "./inbox.ts";
import { createInputTree } from "./input-tree.ts";
import { needsRecheck, type Rechecks } from "./recheck-files.ts";
import type { FolderHints } from "./watch-folder.ts";
import type { TailWatch } from "./watch-tails.ts";

/** Shared with the run. */
export interface DiscoveryContext extends IngestContext {
    proof: LedgerProof;
    rechecks: Rechecks;
    /** Default: the folder of the settings, as if there were no other stream. */
    inbox?: StreamInbox;
    work?: StreamWork;
}

export interface Discovery {
    /**
     * Looks once and brings the ledger up to date with what was named, and with what a pass found: this look's own, or in a
     * large inbox the latest that has ended. The first look, and one without a watch's help, always makes its own.
     * Returns how many files are new or changed.
     */
    look(hints: FolderHints): Promise<number>;
}

export function createDiscovery(context: DiscoveryContext, tails: TailWatch, largeFrom?: number): Discovery {
    const inbox = context.inbox ?? ownFolder(context);
    const finder = inbox.finder(largeFrom);
    const forgetGone = createForgetGone(context);
    return {
        async look(hints) {
            const names = new Set([...hints.names, ...context.proof.takeDoubtful()]);
            let changes = 0;
            for await (const changed of finder.find({ ...hints, names })) {
                if (changed.length > 0) await register(context, inbox, tails, changed);
                // Only now: a look that failed half-way must find them again.
                finder.learn(changed);
                for (const { path } of changed) context.proof.learn(path);
                changes += changed.length;
                collectWhenLarge();
            }
            const present = finder.takePresent();
            if (present !== null) await forgetGone.after(present);
            return changes;
        },
    };
}

/** As a stream sees it that is alone: without a watch. */
function ownFolder({ config, log, stream }: DiscoveryContext): StreamInbox {
    const tree = createInputTree({ config, log, streams: [stream] });
    const folder = tree.of(stream);
    tree.close();
    return folder;
}

async function register(
    context: DiscoveryContext,
    inbox: StreamInbox,
    tails: TailWatch,
    seen: FoundFile[],
): Promise<void> {
    const seenByPath = new Map(seen.map((file) => [file.path, file]));
    const rows = await registerFiles(context.sql, context.stream.id, seen);
    const toReopen: number[] = [];
    const unknownBefore: { fileId: number; ctimeNs: string }[] = [];
    const changedWaiting: number[] = [];
    for (const row of rows) {
        const now = seenByPath.get(row.path);
        if (!now) continue;
        tails.forget(row.fileId);
        if (row.waitsAs !== null && row.waitsAs !== printOf(now)) changedWaiting.push(row.fileId);
        const { source } = readingSourceOf(context.config.sources ?? [], row.path);
        if (needsReopening(row, now) || isReadOtherwise(row, source) || isSettled(row, inbox))
            toReopen.push(row.fileId);
        if (needsRecheck(row, now)) context.rechecks.add(row.fileId);
        if (row.comparedCtimeNs === null && isDone(row) && printOf(row) === printOf(now) && now.ctimeNs) {
            unknownBefore.push({ fileId: row.fileId, ctimeNs: now.ctimeNs });
        }
    }
    // Read by an older version of Sluice: it is compared from its next change on.
    if (unknownBefore.length > 0) await noteCompared(context.sql, unknownBefore);
    if (changedWaiting.length > 0) await endWaiting(context.sql, changedWaiting);
    if (toReopen.length === 0) return;
    const reopened = await reopenFiles(context.sql, toReopen);
    // Forgotten between the two statements, and not to be asked for again: it would never be read.
    if (reopened < toReopen.length) await register(context, inbox, tails, seen);
}

const isDone = ({ state }: LedgerFile) => state === "loaded" || state === "merged" || state === "skipped";

/** A file that failed before anything of it got in, under a configuration that has changed since. */
function isReadOtherwise(row: LedgerFile, source: SourceConfig | null): boolean {
    return row.state === "failed" && row.loadedBytes === 0 && sourceKey(row.source) !== sourceKey(source);
}

/** No other stream claims it any more. */
function isSettled({ state, problem, path }: LedgerFile, inbox: StreamInbox): boolean {
    return state === "failed" && problem === "stream_ambiguous" && inbox.refusalOf(path) === null;
}

/** A file that the ledger thinks done with, but that no longer looks as the ledger remembers it. */
function needsReopening(row: LedgerFile, now: SeenFile): boolean {
    if (row.state === "pending" || row.state === "replaced") return false;
    if (row.state === "failed" && row.problem === "file_vanished") return true;
    return printOf(row) !== printOf(now);
}
