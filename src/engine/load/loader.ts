/**
 * The loader's memory of folder and ledger. All of it may be lost at any time: the ledger has everything that must survive.
 * Another loader is made when the ledger is not the one that was read, or when this worker becomes the one that loads.
 */
import { commandHere } from "../../environment.ts";
import { unmatchedNote } from "../../streams/source-of.ts";
import { type Archiver, createArchiver } from "../archive/archive-files.ts";
import type { IngestContext } from "../context.ts";
import { createDiscovery, type Discovery } from "../discover/discover-files.ts";
import type { FileClocks } from "../discover/file-age.ts";
import { type Inbox, inboxOf } from "../discover/inbox.ts";
import { createSaySome } from "../discover/say-some.ts";
import { createTailWatch, type TailWatch } from "../discover/watch-tails.ts";
import type { Batch } from "../ledger/batch.ts";
import type { FileFailure } from "../ledger/files.ts";
import type { Run } from "../loops.ts";
import type { FileShape } from "../read/file-shape.ts";
import { createHeaderReader, type HeaderReader } from "../read/known-headers.ts";
import type { InputFile } from "../read/open-input.ts";
import type { CopyConnection } from "../stage/copy-connection.ts";

export interface Loader extends IngestContext {
    inbox: Inbox;
    copyConnection: CopyConnection;
    /** For direct loads: the same, and one beside it. */
    copyConnections: CopyConnection[];
    /** On for a while behind a direct load that the table refused. */
    directPause: { begin(): void; isOn(): boolean };
    readHeader: HeaderReader;
    discovery: Discovery;
    archiver: Archiver;
    tails: TailWatch;
    /** Files that failed in a group and are now tried one by one. */
    triedAlone: Set<number>;
    /** Copies of files that are loaded but not merged yet: skipped once they are. */
    waitingCopies: Set<number>;
    /** Where the last round began in the order of paths; null when this one begins at the start. */
    fromPath: string | null;
    keptStream: KeptStream | null;
    hasLooked: boolean;
    hasAppliedBudget: boolean;
    sayUnmatched: ReturnType<typeof createSaySome>;
    /** Why a file must not be read for this stream. */
    refusalOf(path: string): FileFailure | null;
    /** Of a file that no stream's `files` fit: which is nearest. */
    nearestNote(path: string): string | null;
    /**
     * True when staging has room. False when nothing new may be loaded now: the run was stopped, or staged rows were lost
     * and must come first. They hold back every merge, so that waiting for room without them would never end.
     */
    waitForRoom(): Promise<boolean>;
    /** Keys of batches of which this process does not know whether they were committed. */
    lostAnswers: string[];
    /** A load that was a batch, too, is committed. */
    noteBatch(batch: Batch): void;
    /** For status; null when nothing is being loaded. */
    noteLoading(path: string | null): void;
    /** There is something to merge. */
    wakeMergers(): void;
    isStopped(): boolean;
    /** The ledger is not the one that this loader has read. */
    isOutdated(): boolean;
}

/** A compressed or transcoded file stays open from chunk to chunk, or each would expand it from its start. */
export interface KeptStream {
    path: string;
    file: InputFile;
    shape: FileShape;
    release(): Promise<void>;
}

type LoadingRun = Pick<
    Run,
    | keyof IngestContext
    | "copyConnection"
    | "copyBeside"
    | "inbox"
    | "lease"
    | "lostAnswers"
    | "merged"
    | "noteMergeable"
    | "proof"
    | "rechecks"
    | "room"
    | "signal"
    | "staged"
    | "tally"
    | "work"
>;

export function createLoader(run: LoadingRun, clocks: FileClocks = {}): Loader {
    const { stream, config, sql, workerId, log, copyConnection, inbox, lease, proof, room, signal, staged } = run;
    const tails = createTailWatch(config.tailSettleMs, clocks);
    const breaks = proof.breaks();
    return {
        ...{ stream, config, sql, workerId, log, copyConnection, tails, inbox: inboxOf(run) },
        copyConnections: [copyConnection, run.copyBeside],
        directPause: createPause(),
        refusalOf: inbox?.refusalOf ?? (() => null),
        nearestNote: inbox?.nearestNote ?? (() => null),
        readHeader: createHeaderReader(stream),
        discovery: createDiscovery(run, tails),
        archiver: createArchiver(run, config.tailSettleMs, clocks),
        triedAlone: new Set(),
        waitingCopies: new Set(),
        fromPath: null,
        keptStream: null,
        hasLooked: false,
        hasAppliedBudget: false,
        sayUnmatched: createSaySome((line, facts) => log.warn(line, facts), {
            event: "file_unmatched",
            line: (name) => `${name}: ${unmatchedNote}`,
            further: `More files match no source: ${commandHere("files")} names them.`,
        }),
        waitForRoom: room.wait,
        lostAnswers: run.lostAnswers,
        noteBatch(batch) {
            run.noteMergeable(true);
            run.tally.add(batch);
            run.merged.give();
        },
        noteLoading(path) {
            run.tally.loading = path;
        },
        wakeMergers: staged.give,
        isStopped: () => signal.aborted || !lease.isLoader(),
        isOutdated: () => proof.breaks() !== breaks,
    };
}

const directPauseMs = 60_000;

function createPause() {
    let until = 0;
    return {
        begin() {
            until = performance.now() + directPauseMs;
        },
        isOn: () => performance.now() < until,
    };
}
