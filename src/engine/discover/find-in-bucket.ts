/**
 * Finds objects of a bucket. A full listing is the truth: a watermark of LastModified loses large uploads, which carry the time
 * at which they began, and a pointer in the order of the keys loses keys that sort before it. Between two listings, a quick look
 * behind the greatest known key finds what is named by the date. Both run beside the looks, and may take a twentieth of the time.
 */
import { BucketFault } from "../../bucket/faults.ts";
import { isArchive, placeOf } from "../../streams/archive-path.ts";
import { createWakeUp, type WakeUp } from "../outage/wake-up.ts";
import { type BucketPlace, seenOfObject } from "./bucket-inbox.ts";
import { collectWhenLarge } from "./collect-when-large.ts";
import { createFingerprints } from "./fingerprints.ts";
import type { Finder, FoundFile, Inbox, StreamInbox } from "./inbox.ts";

export interface BucketNames {
    /** Nothing outside it is one of the stream's. */
    prefix: string;
    isOwn(path: string): boolean;
    /** Whether one of its files may be in the archive. */
    isOpened(archive: string): boolean;
    /** Says of the files of an archive which no stream takes. */
    sayLeft(paths: readonly string[]): void;
}

export interface BucketPace {
    /** Between the beginnings of two full listings. */
    listEveryMs: number;
    signal: AbortSignal;
}

/** For status. */
export interface Listing {
    /** Its keys, when the latest full listing ended. */
    keys: number;
    /** By the monotonic clock: when that began, since what came later may not be in it. */
    asOf: number;
    tookMs: number;
}

/** As a worker's report has it. */
export function describeListing({ name, listing }: Pick<StreamInbox, "name" | "listing">) {
    const latest = listing();
    if (latest === null) return null;
    const inSeconds = (ms: number) => Math.round(ms / 100) / 10;
    return {
        name,
        keys: latest.keys,
        secondsAgo: inSeconds(performance.now() - latest.asOf),
        seconds: inSeconds(latest.tookMs),
    };
}

/** Counts of hints (sql/engine/hints.sql) since the process began. */
export interface HintCounts {
    looked: number;
    /** Those looked at where there was no object, or none that may be seen. */
    absent: number;
}

const hintsAtOnce = 8;
const listingShare = 0.05;
const quickLookEveryMs = 5_000;
/** So much may be found ahead of who takes it. */
const mostFoundAhead = 4_000;

export function createBucketFinder(
    { bucket, pathOf }: BucketPlace,
    inbox: Pick<Inbox, "see" | "filesOf">,
    { prefix, isOwn, isOpened, sayLeft }: BucketNames,
    { listEveryMs, signal }: BucketPace,
    changed: Pick<WakeUp, "give">,
    onListed: (listing: Listing) => void,
    hints: HintCounts = { looked: 0, absent: 0 },
): Finder {
    const known = createFingerprints();
    const beside = createBeside(changed, signal);
    let greatest = "";
    let isFirst = true;
    let isListed = false;
    let nextListingAt = 0;
    let mayListAt = 0;
    let nextQuickLookAt = 0;

    async function* newIn(startAfter: string | undefined, clock: { busyMs: number; keys: number }) {
        const pages = bucket.list({ prefix, startAfter, signal })[Symbol.asyncIterator]();
        while (true) {
            const askedAt = performance.now();
            const { done, value } = await pages.next();
            clock.busyMs += performance.now() - askedAt;
            if (done) return;
            clock.keys += value.length;
            greatest = later(greatest, value.at(-1)!.key);
            const found: FoundFile[] = [];
            for (const object of value) {
                const path = pathOf(object.key);
                if (path === null) continue;
                const file = { path, ...seenOfObject(object) };
                if (isArchive(path)) found.push(...(await newOf(file)));
                else if (isOwn(path) && !known.meet(path, lookOf(file))) found.push(file);
            }
            collectWhenLarge();
            yield found;
        }
    }

    /** An archive is known once its files are in the ledger: they come and go with it. */
    async function newOf(archive: FoundFile): Promise<FoundFile[]> {
        if (!isOpened(archive.path) || known.meet(archive.path, lookOf(archive))) return [];
        const all = await inbox.filesOf(archive.path);
        const own = all.filter(({ path }) => isOwn(path));
        sayLeft(all.map(({ path }) => path));
        if (own.length === 0) known.learn(archive.path, lookOf(archive));
        return own;
    }

    async function* listAll(): AsyncGenerator<FoundFile[]> {
        const clock = { busyMs: 0, keys: 0 };
        const begunAt = performance.now();
        known.beginPass();
        yield* newIn(undefined, clock);
        known.endPass();
        mayListAt = performance.now() + clock.busyMs / listingShare - clock.busyMs;
        nextListingAt = Math.max(begunAt + listEveryMs, mayListAt);
        isListed = true;
        onListed({ keys: clock.keys, asOf: begunAt, tookMs: performance.now() - begunAt });
    }

    async function* lookQuickly(): AsyncGenerator<FoundFile[]> {
        const clock = { busyMs: 0, keys: 0 };
        yield* newIn(greatest, clock);
        nextQuickLookAt = performance.now() + Math.max(quickLookEveryMs, clock.busyMs / listingShare);
    }

    async function seeNamed(names: Iterable<string>): Promise<FoundFile[]> {
        const found: FoundFile[] = [];
        for (const path of names) {
            if (!isOwn(path)) continue;
            // It is looked up in the ledger even if it looks the same: it may have gone and come back.
            known.forget(placeOf(path));
            const seen = await inbox.see(path);
            if (seen !== null) found.push({ path, ...seen });
        }
        return found;
    }

    async function* seeHinted(paths: readonly string[]): AsyncGenerator<FoundFile[]> {
        for (let from = 0; from < paths.length; from += hintsAtOnce) {
            const some = paths.slice(from, from + hintsAtOnce);
            const looks = await Promise.all(some.map(async (path) => ({ path, files: await filesAt(path) })));
            hints.looked += looks.length;
            hints.absent += looks.filter(({ files }) => files.length === 0).length;
            yield looks.flatMap(({ path, files }) =>
                files.length === 0 || known.meet(path, lookOf(files[0]!))
                    ? []
                    : files.filter((file) => isOwn(file.path)),
            );
        }
    }

    /** The object itself, or what is in it. */
    async function filesAt(path: string): Promise<FoundFile[]> {
        if (isArchive(path)) return (await ifAllowed(inbox.filesOf(path))) ?? [];
        const seen = await ifAllowed(inbox.see(path));
        return seen === null ? [] : [{ path, ...seen }];
    }

    const isHinted = (path: string) => (isArchive(path) ? isOpened(path) : isOwn(path));

    return {
        async *find({ names, isOverflow, hinted = new Set() }) {
            yield await seeNamed(names);
            if (isFirst) {
                yield* listAll();
                isFirst = false;
                return;
            }
            yield* seeHinted([...hinted].filter(isHinted));
            if (isOverflow) nextListingAt = mayListAt;
            if (!beside.isUnderWay()) {
                if (performance.now() >= nextListingAt) beside.begin(listAll());
                else if (performance.now() >= nextQuickLookAt) beside.begin(lookQuickly());
            }
            try {
                yield* beside.take();
            } catch (error) {
                // What comes next waits for a whole listing: whether the bucket can be used again is known then.
                isFirst = true;
                throw error;
            }
        },
        learn(files) {
            for (const file of files) known.learn(placeOf(file.path), lookOf(file));
        },
        takePresent() {
            if (!isListed) return null;
            isListed = false;
            // Of an archive the object may be there, and the file that it was while it could not be read is not.
            return { has: (path) => !isArchive(path) && known.has(path) };
        },
    };
}

/** Whoever reports a key may be wrong about it: what the bucket refuses of one is no fault of the bucket. */
async function ifAllowed<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
    try {
        return await answer;
    } catch (error) {
        if (error instanceof BucketFault) return null;
        throw error;
    }
}

/** Of files in an archive the archive's: these have sizes of their own. */
const lookOf = ({ path, sizeBytes, versionTag }: FoundFile) =>
    isArchive(placeOf(path)) ? `${versionTag}` : `${sizeBytes} ${versionTag}`;

/** In the order of the bytes of UTF-8. */
function later(one: string, other: string): string {
    return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0 ? other : one;
}

/** A pass beside the looks. What it finds waits to be taken, and it waits while that is much. */
function createBeside(changed: Pick<WakeUp, "give">, signal: AbortSignal) {
    let isUnderWay = false;
    let failure: { error: unknown } | null = null;
    const found: FoundFile[][] = [];
    let ahead = 0;
    const taken = createWakeUp();

    async function run(pages: AsyncIterable<FoundFile[]>): Promise<void> {
        for await (const page of pages) {
            if (page.length === 0) continue;
            found.push(page);
            ahead += page.length;
            changed.give();
            while (ahead >= mostFoundAhead && !signal.aborted) await taken.wait(taken.count(), 1_000);
            if (signal.aborted) return;
        }
    }
    return {
        isUnderWay: () => isUnderWay,
        begin(pages: AsyncIterable<FoundFile[]>): void {
            isUnderWay = true;
            void run(pages)
                .catch((error: unknown) => {
                    failure = { error };
                })
                .finally(() => {
                    isUnderWay = false;
                });
        },
        /** What was found so far. Throws what the pass threw. */
        *take(): Generator<FoundFile[]> {
            while (found.length > 0) {
                yield found[0]!;
                // Not before it is in the ledger.
                ahead -= found.shift()!.length;
                taken.give();
            }
            const failed = failure;
            failure = null;
            if (failed !== null) throw failed.error;
        },
    };
}
