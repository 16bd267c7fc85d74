/**
 * Where a stream's files arrive. What an ingest asks of such a place is here, and the rules (discovery, copies, growth, crashes,
 * archive) are written once, over it: folder-inbox.ts has the folder, bucket-inbox.ts the bucket.
 */
import type { FileFailure, SeenFile } from "../ledger/files.ts";
import type { WakeUp } from "../outage/wake-up.ts";
import type { InputFile } from "../read/open-input.ts";
import type { BucketPlace } from "./bucket-inbox.ts";
import type { HintCounts, Listing } from "./find-in-bucket.ts";
import { createFolderInbox } from "./folder-inbox.ts";
import type { FolderHints } from "./watch-folder.ts";

/** A path is what the ledger calls a file: relative to the inbox. */
export interface Inbox {
    /** For people. */
    name: string;
    /** Null: it is a folder. */
    place: BucketPlace | null;
    /** The file as it looks now; null when there is none. */
    see(path: string): Promise<SeenFile | null>;
    /** What is read of an archive: its members, or the archive itself where it cannot be read. None where there is no such archive. */
    filesOf(archive: string): Promise<FoundFile[]>;
    /** These are about to be opened, in this order, as the ledger has them. */
    expect(files: readonly ExpectedFile[]): void;
    /**
     * `as`: how the ledger has seen it, if it need not be asked how it looks now.
     * @throws InputFault when it cannot be read as it is now; BucketFault when nothing can be
     */
    open(path: string, as?: ExpectedFile | null): Promise<InputFile>;
    /** Whether there certainly is no such file. */
    isGone(path: string): Promise<boolean>;
    /** Another one when another place has taken the name: a mount that is away leaves an empty folder. Null while there is none. */
    identity(): Promise<string | null>;
}

export type FoundFile = SeenFile & { path: string };
export type ExpectedFile = FoundFile;

/** Finds what is new or has changed. It remembers what it has found, and may forget that at any time: then it finds it again. */
export interface Finder {
    /**
     * Pages of files that look other than when they were learned: of those that are named, and of what passes over the inbox
     * have found. The first call, and in a folder one whose hints have overflowed, makes a pass of its own and waits for it; in a
     * bucket an overflow brings the next pass forward.
     */
    find(hints: FolderHints): AsyncIterable<FoundFile[]>;
    /** These are in the ledger now. */
    learn(files: readonly FoundFile[]): void;
    /** What was there at the latest full pass, unless it was taken already. */
    takePresent(): Paths | null;
}

export type Paths = Pick<ReadonlySet<string>, "has">;

/** An inbox as one stream sees it. */
export interface StreamInbox extends Inbox {
    /** Of an inbox that is listed in full now and then, the latest listing; null before, and of a folder, which is looked at all the while. */
    listing(): Listing | null;
    /** Null: of a folder, where nobody leaves hints. */
    hints: HintCounts | null;
    /** Given when a file of the stream may have changed. */
    changed: WakeUp;
    /** What was reported since the last call. */
    take(): FolderHints;
    /** A new one, which knows no file yet. */
    finder(largeFrom?: number): Finder;
    isOwn(path: string): boolean;
    /** Why a file that is its own is not read: other streams claim it, too. */
    refusalOf(path: string): FileFailure | null;
    /** Of a file that no stream's `files` fit: which is nearest, as a sentence. */
    nearestNote(path: string): string | null;
}

/** That of the stream, or where there is none the folder of the settings. */
export function inboxOf({ config, inbox }: { config: { inputDir: string }; inbox?: Inbox }): Inbox {
    return inbox ?? createFolderInbox(config.inputDir);
}
