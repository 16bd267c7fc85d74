/**
 * Finds the files of the watched folder and keeps the ledger's list of them. Polling is the truth; `fs.watch` only says
 * when to look and where.
 *
 * A name that the watch reports is looked at (lstat) at once, and nothing else with it. A pass over names (readdir) finds new
 * files that it missed, a full pass (lstat of every file) also changes. In a folder of few files a names pass
 * is part of every look; in one of many both come round so seldom that they cost a few percent of the time, and nothing
 * waits for them: a later look takes up what they found.
 */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { SourceConfig } from "../../streams/source-config.ts";
import { sourceKey, sourceOf } from "../../streams/source-of.ts";
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
import { findEscapedName, seenOf } from "../read/open-input.ts";
import { collectWhenLarge } from "./collect-when-large.ts";
import { createForgetGone } from "./forget-gone.ts";
import { createInputTree, type StreamFolder } from "./input-tree.ts";
import { needsRecheck, type Rechecks } from "./recheck-files.ts";
import type { FolderHints } from "./watch-folder.ts";
import type { TailWatch } from "./watch-tails.ts";

/** Shared with the run. */
export interface DiscoveryContext extends IngestContext {
    proof: LedgerProof;
    rechecks: Rechecks;
    /** Default: as if there were no other stream. */
    folder?: StreamFolder;
    work?: StreamWork;
}

export interface Discovery {
    /**
     * Looks once and brings the ledger up to date with what was named, and with what a pass found: this look's own, or in a
     * large folder the latest that has ended. The first look, and one without a watch's help, always makes its own.
     * Returns how many files are new or changed.
     */
    look(hints: FolderHints): Promise<number>;
}

const registerAtOnce = 2_000;
const lstatAtOnce = 64;
const pageMs = 2;
/** A pass may take this share of the time. */
const passShare = 0.05;
const fullPassAtLeastEveryMs = 30_000;
/** From so many files on, looks do not wait for passes. A names pass over so many takes 5 ms. */
const largeFolderFiles = 5_000;

/** By name, how each file looked (lookOf): one text a file, since there may be a hundred thousand. */
type Known = Map<string, string>;

export function createDiscovery(
    context: DiscoveryContext,
    tails: TailWatch,
    largeFrom: number = largeFolderFiles,
): Discovery {
    const { inputDir } = context.config;
    const folder = context.folder ?? ownFolder(context);
    const known: Known = new Map();
    const passes = createPasses(inputDir, known, folder);
    const forgetGone = createForgetGone(context);
    let isFirst = true;
    return {
        async look({ names, isOverflow }) {
            // A reported file is looked up in the ledger even if it looks the same: it may have gone and come back.
            const doubtful = context.proof.takeDoubtful();
            for (const name of [...names, ...doubtful]) known.delete(name);
            // A name that is no UTF-8 comes mangled; only a pass can tell which file it is.
            const mustPass = isFirst || isOverflow || [...names].some((name) => name.includes("\ufffd"));
            const isWaitedFor = mustPass || Math.max(known.size, folder.size()) < largeFrom;
            const found = isWaitedFor ? await passes.run(mustPass) : passes.takeOver();
            const toSee = new Set([...names, ...doubtful].filter(folder.isOwn));
            for (const name of found) toSee.add(name);
            let changes = 0;
            for (const page of pagesOf([...toSee], registerAtOnce)) {
                const changed = await seeFiles(inputDir, page, known);
                if (changed.length > 0) await register(context, folder, tails, changed);
                // Only now: a look that failed half-way must find them again.
                for (const file of changed) {
                    known.set(file.path, lookOf(file));
                    context.proof.learn(file.path);
                }
                changes += changed.length;
                collectWhenLarge();
            }
            const present = passes.takePresent();
            if (present !== null) await forgetGone.after(present);
            isFirst = false;
            return changes;
        },
    };
}

/** As a stream sees it that is alone: without a watch. */
function ownFolder({ config, log, stream }: DiscoveryContext): StreamFolder {
    const tree = createInputTree({ config, log, streams: [stream] });
    const folder = tree.of(stream);
    tree.close();
    return folder;
}

/** Passes over the folder. What they give are names worth a look; they change nothing but `known`, of files that are gone. */
function createPasses(inputDir: string, known: Known, folder: StreamFolder) {
    let nextNamesPassAt = 0;
    let nextFullPassAt = 0;
    let isUnderWay = false;
    let ended: { names: string[] } | { error: unknown } = { names: [] };
    let latestPresent: string[] | null = null;

    const pass = async (isFull: boolean): Promise<string[]> => {
        const startedAt = performance.now();
        const present = await folder.list(isFull);
        const found = present.filter((name) => !known.has(name));
        if (isFull) for await (const name of changedNames(inputDir, present, known)) found.push(name);
        if (isFull) dropGone(known, present);
        if (isFull) latestPresent = present;
        const took = performance.now() - startedAt;
        nextNamesPassAt = performance.now() + took / passShare;
        if (isFull) nextFullPassAt = performance.now() + Math.min(took / passShare, fullPassAtLeastEveryMs);
        return found;
    };
    return {
        /** A pass here and now, over names at least. */
        run: (isFull: boolean) => pass(isFull || performance.now() >= nextFullPassAt),
        /** The names in the folder at the latest full pass, unless they were taken already. */
        takePresent(): string[] | null {
            const present = latestPresent;
            latestPresent = null;
            return present;
        },
        /** Begins a pass if one is due, and gives what the latest that ended has found. Throws what it threw. */
        takeOver(): string[] {
            const latest = ended;
            ended = { names: [] };
            if (!isUnderWay && performance.now() >= Math.min(nextNamesPassAt, nextFullPassAt)) {
                isUnderWay = true;
                void pass(performance.now() >= nextFullPassAt)
                    .then((names) => {
                        ended = { names };
                    })
                    .catch((error: unknown) => {
                        ended = { error };
                    })
                    .finally(() => {
                        isUnderWay = false;
                    });
            }
            if ("error" in latest) throw latest.error;
            return latest.names;
        },
    };
}

/** The known files that are not what they were. */
async function* changedNames(inputDir: string, names: string[], known: Known): AsyncGenerator<string> {
    for (const page of pagesOf(names, registerAtOnce)) {
        const seen = page.filter((name) => known.has(name));
        for (const { path } of await seeFiles(inputDir, seen, known)) yield path;
        collectWhenLarge();
        // Nothing waits for a pass: it lets the others have their turn.
        await Bun.sleep(pageMs);
    }
}

async function seeFiles(inputDir: string, names: string[], known: Known): Promise<(SeenFile & { path: string })[]> {
    const changed: (SeenFile & { path: string })[] = [];
    for (const page of pagesOf(names, lstatAtOnce)) {
        const seen = await Promise.all(page.map((name) => see(inputDir, name)));
        for (const [index, path] of page.entries()) {
            const now = seen[index];
            if (now && known.get(path) !== lookOf(now)) changed.push({ path, ...now });
        }
    }
    return changed;
}

function* pagesOf<Item>(items: Item[], size: number): Generator<Item[]> {
    for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

/** More than what the ledger goes by: a write that put size and time back leaves another ctime. */
function lookOf(seen: SeenFile): string {
    return `${printOf(seen)} ${seen.ctimeNs}`;
}

/** Null when the file is gone again. Directories are none of ours; what else is no regular file fails when it is opened. */
async function see(inputDir: string, name: string): Promise<SeenFile | null> {
    try {
        const stats = await lstat(join(inputDir, name), { bigint: true });
        return stats.isDirectory() ? null : seenOf(stats);
    } catch {
        return name.includes("\\x") ? await seeEscaped(inputDir, name) : null;
    }
}

/** A file whose name is no UTF-8: it is listed, so that it fails where everybody sees it (openInput). */
async function seeEscaped(inputDir: string, name: string): Promise<SeenFile | null> {
    const bytes = await findEscapedName(inputDir, name);
    if (bytes === null) return null;
    const path = Buffer.concat([Buffer.from(`${inputDir}/`), bytes]);
    const stats = await lstat(path, { bigint: true }).catch(() => null);
    return stats === null || stats.isDirectory() ? null : seenOf(stats);
}

function dropGone(known: Known, present: string[]): void {
    if (known.size === 0) return;
    const names = new Set(present);
    for (const path of known.keys()) if (!names.has(path)) known.delete(path);
}

async function register(
    context: DiscoveryContext,
    folder: StreamFolder,
    tails: TailWatch,
    seen: (SeenFile & { path: string })[],
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
        const source = sourceOf(context.config.sources ?? [], row.path);
        if (needsReopening(row, now) || isReadOtherwise(row, source) || isSettled(row, folder))
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
    if (reopened < toReopen.length) await register(context, folder, tails, seen);
}

const isDone = ({ state }: LedgerFile) => state === "loaded" || state === "merged" || state === "skipped";

/** A file that failed before anything of it got in, under a configuration that has changed since. */
function isReadOtherwise(row: LedgerFile, source: SourceConfig | null): boolean {
    return row.state === "failed" && row.loadedBytes === 0 && sourceKey(row.source) !== sourceKey(source);
}

/** No other stream claims it any more. */
function isSettled({ state, problem, path }: LedgerFile, folder: StreamFolder): boolean {
    return state === "failed" && problem === "stream_ambiguous" && folder.refusalOf(path) === null;
}

/** A file that the ledger thinks done with, but that no longer looks as the ledger remembers it. */
function needsReopening(row: LedgerFile, now: SeenFile): boolean {
    if (row.state === "pending" || row.state === "replaced") return false;
    if (row.state === "failed" && row.problem === "file_vanished") return true;
    return printOf(row) !== printOf(now);
}
