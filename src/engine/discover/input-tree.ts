/**
 * The watched folder as the streams of a process see it: one watch and one listing, from which each stream gets what is its own.
 * A hundred thousand names are listed and matched once, not once for each stream.
 */

import { relative, sep } from "node:path";
import { commandHere } from "../../environment.ts";
import { isArchive, splitMember } from "../../streams/archive-path.ts";
import { isHiddenPath, isReadyName, isUnfinishedName } from "../../streams/input-names.ts";
import { createRouter, hasSubfolders, mayHoldFiles } from "../../streams/route-files.ts";
import type { SourceConfig } from "../../streams/source-config.ts";
import type { Stream } from "../../streams/stream.ts";
import type { IngestLog } from "../context.ts";
import { realFolder } from "../input-folder.ts";
import type { FileFailure } from "../ledger/files.ts";
import { createWakeUp, type WakeUp } from "../outage/wake-up.ts";
import { createFolderFinder } from "./find-in-folder.ts";
import { createFolderInbox } from "./folder-inbox.ts";
import { createForeignNames } from "./foreign-names.ts";
import type { StreamInbox } from "./inbox.ts";
import { listFolder } from "./list-folder.ts";
import { createSayLeft, openArchives } from "./open-archives.ts";
import { createSaySome } from "./say-some.ts";
import { type FolderHints, watchFolder } from "./watch-folder.ts";

export interface InputTree {
    of(stream: Stream): StreamInbox;
    close(): void;
}

export interface InputTreeOptions {
    config: { inputDir: string; archiveDir: string; sources?: readonly SourceConfig[] };
    log: IngestLog;
    /** All that are active, also those that other processes run. */
    streams: readonly Stream[];
}

const mostAgeMs = 5_000;
const listingShare = 0.05;

interface Listing {
    byStream: Map<string, string[]>;
    size: number;
}

export function createInputTree({ config, log, streams }: InputTreeOptions): InputTree {
    const { inputDir, sources } = config;
    const inbox = createFolderInbox(inputDir);
    const router = createRouter(streams, (path) => !path.includes("/") && isReadyName(path, sources));
    const route = createRoute(router.claimOf, isHiddenIn(config), streams.length);
    const say = createVoice({ config, log, streams }, router);
    const isWanted = subfoldersOf(config, streams);
    const lists = createLists(async () => {
        const isOpened = (archive: string) => route.of(archive).stream !== null;
        const paths = await openArchives(inbox, await listFolder(inputDir, isWanted), isOpened);
        const listing: Listing = { byStream: new Map(streams.map(({ name }) => [name, []])), size: paths.length };
        const foreign: string[] = [];
        for (const path of paths) {
            const { stream, rivals } = route.of(path);
            if (stream === null) foreign.push(path);
            else listing.byStream.get(stream)!.push(path);
            if (rivals !== null) say.ambiguous(path, rivals);
        }
        route.keep(paths);
        if (foreign.length > 0) say.foreign(foreign);
        return listing;
    });

    const folders = new Map<string, { hints: FolderHints; changed: WakeUp }>();
    const watch = watchFolder(inputDir, isWanted !== null, (name) => {
        for (const [stream, { hints, changed }] of folders) {
            if (name === null) hints.isOverflow = true;
            // A name that is no UTF-8 comes mangled; only a listing can tell which file it is.
            // What is in an archive may be several streams'.
            else if (isArchive(name) || route.of(name).stream === stream || name.includes("\ufffd"))
                hints.names.add(name);
            else continue;
            changed.give();
        }
    });

    return {
        of(stream) {
            const own = { hints: { names: new Set<string>(), isOverflow: true }, changed: createWakeUp() };
            folders.set(stream.name, own);
            const isOwn = (path: string) => route.of(path).stream === stream.name;
            const list = async (isFresh: boolean) => {
                const { byStream } = await lists.get(isFresh || streams.length === 1);
                return byStream.get(stream.name) ?? [];
            };
            return {
                ...inbox,
                changed: own.changed,
                listing: () => null,
                hints: null,
                take() {
                    const taken = own.hints;
                    own.hints = { names: new Set(), isOverflow: false };
                    watch.retry();
                    return taken;
                },
                finder: (largeFrom) => createFolderFinder(inbox, { list, size: lists.size, isOwn }, largeFrom),
                isOwn,
                refusalOf(path) {
                    const { rivals } = route.of(path);
                    return rivals === null ? null : refuseRivals(router.describe(rivals));
                },
                nearestNote: (path) => noteOf(stream.files === null ? router.nearest(path) : null),
            };
        },
        close: watch.close,
    };
}

export const noteOf = (nearest: string | null) =>
    nearest === null ? null : `No stream claims it; nearest: ${nearest}.`;

export function refuseRivals(rivals: string): FileFailure {
    const detail = `Several streams claim it: ${rivals}. None of them reads it.`;
    return { problem: "stream_ambiguous", detail, retryAfterMs: null };
}

/** Names that are not ready, and what lies in such a folder or in the archive, which is no input wherever it lies. */
function isHiddenIn(config: InputTreeOptions["config"]): (path: string) => boolean {
    const archive = `${archiveIn(config)}/`;
    return (path) =>
        path.includes("/") ? isHiddenPath(path) || `${path}/`.startsWith(archive) : isUnfinishedName(path);
}

function archiveIn({ inputDir, archiveDir }: InputTreeOptions["config"]): string {
    return relative(realFolder(inputDir), realFolder(archiveDir)).replaceAll(sep, "/");
}

type ClaimOf = ReturnType<typeof createRouter>["claimOf"];

const nobodys = { stream: null, rivals: null };

/** A name is matched with the globs once, not at each listing. */
function createRoute(claimOf: ClaimOf, isHidden: (path: string) => boolean, streams: number) {
    let known = new Map<string, ReturnType<ClaimOf>>();
    const find = (path: string) => (isHidden(path) ? nobodys : claimOf(path));
    return {
        of(path: string) {
            if (streams === 1) return find(path);
            const before = known.get(path);
            if (before !== undefined) return before;
            const claim = find(path);
            known.set(path, claim);
            return claim;
        },
        /** Forgets the names that are gone, once these are many. */
        keep(paths: readonly string[]): void {
            if (known.size <= 2 * paths.length + 1_000) return;
            const before = known;
            known = new Map(paths.map((path) => [path, before.get(path) ?? find(path)]));
        },
    };
}

/** Null when no stream has files in a subfolder. */
function subfoldersOf(
    config: InputTreeOptions["config"],
    streams: readonly Stream[],
): ((folder: string) => boolean) | null {
    const globs = streams.flatMap(({ files }) => (files !== null && hasSubfolders(files) ? [files] : []));
    if (globs.length === 0) return null;
    const archive = archiveIn(config);
    return (folder) => folder !== archive && globs.some((files) => mayHoldFiles(files, folder));
}

/** One listing at a time: all who ask while one is under way share the next. */
function createLists(make: () => Promise<Listing>) {
    let latest: { listing: Listing; endedAt: number; tookMs: number } | null = null;
    let underWay: Promise<unknown> = Promise.resolve();
    let next: Promise<Listing> | null = null;
    const begin = async (): Promise<Listing> => {
        next = null;
        const startedAt = performance.now();
        const listing = await make();
        const endedAt = performance.now();
        latest = { listing, endedAt, tookMs: endedAt - startedAt };
        return listing;
    };
    return {
        size: () => latest?.listing.size ?? 0,
        get(isFresh: boolean): Promise<Listing> {
            if (!isFresh && latest !== null) {
                const age = performance.now() - latest.endedAt;
                if (age < Math.min(latest.tookMs / listingShare, mostAgeMs)) return Promise.resolve(latest.listing);
            }
            if (next === null) {
                next = underWay.then(begin);
                underWay = next.catch(() => {});
            }
            return next;
        },
    };
}

function createVoice({ config, log, streams }: InputTreeOptions, router: ReturnType<typeof createRouter>) {
    const sayForeign = createForeignNames({ config, log });
    const sayAmbiguous = createSaySome((line, facts) => log.error(line, facts), {
        event: "stream_ambiguous",
        line: (path) => `${path} ${notRead(path)}`,
        further: `Several streams claim more files: ${commandHere("files")} --state failed names them.`,
    });
    const notRead = (path: string) =>
        `matches the files of several streams, ${router.describe(router.claimOf(path).rivals ?? [])}, so none of them reads it. ` +
        "Change the files of one of them.";
    const sayUnclaimed = createSaySome((line, facts) => log.warn(line, facts), {
        event: "file_unclaimed",
        line: (path) => `${path} is not read. ${noteOf(router.nearest(path)) ?? "No stream claims it."}`,
        further: "More files are claimed by no stream, and not read.",
    });
    const hasRest = streams.some(({ files }) => files === null);
    const sayLeft = createSayLeft(log);
    return {
        ambiguous: (path: string, _rivals: readonly string[]) =>
            sayAmbiguous(path, { file: path, code: "stream_ambiguous" }),
        foreign(all: string[]): void {
            sayLeft(all);
            const paths = all.filter((path) => splitMember(path) === null);
            const top = paths.filter((path) => !path.includes("/"));
            sayForeign(hasRest ? top : top.filter((path) => !isReadyName(path)));
            if (hasRest) return;
            for (const path of paths)
                if (isReadyName(path.slice(path.lastIndexOf("/") + 1))) sayUnclaimed(path, { file: path });
        },
    };
}
