/**
 * Finds files of a folder. A name that the watch reports is looked at (lstat) at once, and nothing else with it. A pass over
 * names (readdir) finds new files that it missed, a full pass (lstat of every file) also changes. In a folder of few files a
 * names pass is part of every look; in one of many both come round so seldom that they cost a few percent of the time, and
 * nothing waits for them: a later look takes up what they found.
 */
import { printOf, type SeenFile } from "../ledger/files.ts";
import { collectWhenLarge } from "./collect-when-large.ts";
import type { Finder, FoundFile, Inbox, Paths } from "./inbox.ts";
import { openArchives } from "./open-archives.ts";

/** The names in the folder, as one stream sees them. */
export interface FolderNames {
    /** Its files. `isFresh`: listed after the call; else the list may be as old as makes listing a twentieth of the time. */
    list(isFresh: boolean): Promise<string[]>;
    /** How many names the folder had when it was last listed. */
    size(): number;
    isOwn(path: string): boolean;
}

const lookAtOnce = 2_000;
const lstatAtOnce = 64;
const pageMs = 2;
/** A pass may take this share of the time. */
const passShare = 0.05;
const fullPassAtLeastEveryMs = 30_000;
/** From so many files on, looks do not wait for passes. A names pass over so many takes 5 ms. */
const largeFolderFiles = 5_000;

/** By name, how each file looked (lookOf): one text a file, since there may be a hundred thousand. */
type Known = Map<string, string>;

export function createFolderFinder(inbox: Inbox, names: FolderNames, largeFrom: number = largeFolderFiles): Finder {
    const known: Known = new Map();
    const passes = createPasses(inbox, known, names);
    let isFirst = true;
    return {
        async *find(hints) {
            // A reported file is looked up in the ledger even if it looks the same: it may have gone and come back.
            const named = await openArchives(inbox, hints.names, () => true);
            for (const name of named) known.delete(name);
            // A name that is no UTF-8 comes mangled; only a pass can tell which file it is.
            const mustPass = isFirst || hints.isOverflow || named.some((name) => name.includes("\ufffd"));
            const isWaitedFor = mustPass || Math.max(known.size, names.size()) < largeFrom;
            const found = isWaitedFor ? await passes.run(mustPass) : passes.takeOver();
            const toSee = new Set(named.filter(names.isOwn));
            for (const name of found) toSee.add(name);
            for (const page of pagesOf([...toSee], lookAtOnce)) yield await seeFiles(inbox, page, known);
            isFirst = false;
        },
        learn(files) {
            for (const file of files) known.set(file.path, lookOf(file));
        },
        takePresent: passes.takePresent,
    };
}

/** Passes over the folder. What they give are names worth a look; they change nothing but `known`, of files that are gone. */
function createPasses(inbox: Inbox, known: Known, folder: FolderNames) {
    let nextNamesPassAt = 0;
    let nextFullPassAt = 0;
    let isUnderWay = false;
    let ended: { names: string[] } | { error: unknown } = { names: [] };
    let latestPresent: Paths | null = null;

    const pass = async (isFull: boolean): Promise<string[]> => {
        const startedAt = performance.now();
        const present = await folder.list(isFull);
        const found = present.filter((name) => !known.has(name));
        if (isFull) {
            for await (const name of changedNames(inbox, present, known)) found.push(name);
            latestPresent = new Set(present);
            dropGone(known, latestPresent);
        }
        const took = performance.now() - startedAt;
        nextNamesPassAt = performance.now() + took / passShare;
        if (isFull) nextFullPassAt = performance.now() + Math.min(took / passShare, fullPassAtLeastEveryMs);
        return found;
    };
    return {
        /** A pass here and now, over names at least. */
        run: (isFull: boolean) => pass(isFull || performance.now() >= nextFullPassAt),
        /** The names in the folder at the latest full pass, unless they were taken already. */
        takePresent(): Paths | null {
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
async function* changedNames(inbox: Inbox, names: string[], known: Known): AsyncGenerator<string> {
    for (const page of pagesOf(names, lookAtOnce)) {
        const seen = page.filter((name) => known.has(name));
        for (const { path } of await seeFiles(inbox, seen, known)) yield path;
        collectWhenLarge();
        // Nothing waits for a pass: it lets the others have their turn.
        await Bun.sleep(pageMs);
    }
}

async function seeFiles(inbox: Inbox, names: string[], known: Known): Promise<FoundFile[]> {
    const changed: FoundFile[] = [];
    for (const page of pagesOf(names, lstatAtOnce)) {
        const seen = await Promise.all(page.map(inbox.see));
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

function dropGone(known: Known, present: Paths): void {
    for (const path of known.keys()) if (!present.has(path)) known.delete(path);
}
