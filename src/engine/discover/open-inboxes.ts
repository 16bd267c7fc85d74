/** The inboxes of the streams of a process: buckets, and one folder, which all of its streams share. */
import { type Bucket, openBucket } from "../../bucket/bucket.ts";
import { parseBucketUrl } from "../../bucket/bucket-url.ts";
import { isHiddenPath, isReadyName } from "../../streams/input-names.ts";
import { createRouter, isInBucket, literalStart } from "../../streams/route-files.ts";
import type { Stream } from "../../streams/stream.ts";
import { createWakeUp } from "../outage/wake-up.ts";
import { type BucketPlace, createBucketInbox, underPrefix, wholeBucket } from "./bucket-inbox.ts";
import { createBucketFinder, type Listing } from "./find-in-bucket.ts";
import type { StreamInbox } from "./inbox.ts";
import { createInputTree, type InputTree, type InputTreeOptions, noteOf, refuseRivals } from "./input-tree.ts";
import { createSayLeft } from "./open-archives.ts";
import { createSaySome } from "./say-some.ts";

export interface InboxesOptions extends InputTreeOptions {
    config: InputTreeOptions["config"] & { listEveryMs?: number };
}

const defaultListEveryMs = 60_000;

export function openInboxes(options: InboxesOptions): InputTree {
    const { config, streams } = options;
    const stopper = new AbortController();
    const ownBucket = streams.filter(({ files }) => files !== null && isInBucket(files));
    const others = streams.filter((stream) => !ownBucket.includes(stream));
    let folder: InputTree | null = null;
    const ofBucket = createBucketInboxes({ ...options, signal: stopper.signal }, ownBucket, others);
    return {
        of(stream) {
            if (isInBucket(stream.files ?? "") || isInBucket(config.inputDir)) return ofBucket(stream);
            folder ??= createInputTree({ ...options, streams: others });
            return folder.of(stream);
        },
        close() {
            folder?.close();
            stopper.abort();
        },
    };
}

function createBucketInboxes(
    { config, log, signal }: InboxesOptions & { signal: AbortSignal },
    ownBucket: readonly Stream[],
    others: readonly Stream[],
) {
    const isRest = (path: string) => !path.includes("/") && isReadyName(path, config.sources);
    const ownRouter = createRouter(ownBucket, () => false);
    const sharedRouter = createRouter(others, isRest);

    return (stream: Stream): StreamInbox => {
        const isOwnBucket = isInBucket(stream.files ?? "");
        const router = isOwnBucket ? ownRouter : sharedRouter;
        const { place, prefix } = isOwnBucket
            ? placeOfFiles(stream.files!, signal)
            : placeOfInput(config.inputDir, signal);
        const isHidden = (path: string) => isHiddenPath(isOwnBucket ? place.keyOf(path) : path);
        const claimOf = (path: string) => (isHidden(path) ? { stream: null, rivals: null } : router.claimOf(path));
        const isOwn = (path: string) => claimOf(path).stream === stream.name;
        const isOpened = (archive: string) => !isHidden(archive) && router.mayTakeIn(archive).includes(stream.name);
        const sayLeft = createSayLeft(log);
        const names = {
            ...{ prefix, isOwn, isOpened },
            sayLeft: (paths: readonly string[]) => sayLeft(paths.filter((path) => claimOf(path).stream === null)),
        };
        const inbox = createBucketInbox(place);
        const changed = createWakeUp();
        const sayAmbiguous = createSaySome((line, facts) => log.error(line, facts), {
            event: "stream_ambiguous",
            line: (path) => `${path} matches the files of several streams, so none of them reads it.`,
            further: "Several streams claim more files.",
        });
        let listing: Listing | null = null;
        const hints = { looked: 0, absent: 0 };
        let isFirst = true;
        let finding = new AbortController();
        return {
            ...inbox,
            changed,
            listing: () => listing,
            hints,
            take() {
                const isOverflow = isFirst;
                isFirst = false;
                return { names: new Set(), isOverflow };
            },
            finder() {
                // What the one before it may still be listing is nobody's any more.
                finding.abort();
                finding = new AbortController();
                const pace = {
                    listEveryMs: config.listEveryMs ?? defaultListEveryMs,
                    signal: AbortSignal.any([signal, finding.signal]),
                };
                const onListed = (latest: Listing) => {
                    listing = latest;
                };
                return createBucketFinder(place, inbox, names, pace, changed, onListed, hints);
            },
            isOwn,
            refusalOf(path) {
                const { rivals } = claimOf(path);
                if (rivals === null) return null;
                sayAmbiguous(path, { file: path, code: "stream_ambiguous" });
                return refuseRivals(router.describe(rivals));
            },
            nearestNote: (path) => noteOf(stream.files === null ? router.nearest(path) : null),
        };
    };
}

function placeOfFiles(files: string, signal: AbortSignal): { place: BucketPlace; prefix: string } {
    const { bucket, pattern } = parseBucketUrl(files)!;
    const prefix = literalStart(pattern);
    const name = `s3://${bucket}/${prefix}`;
    return { place: wholeBucket(lateBucket(bucket, signal), name), prefix };
}

function placeOfInput(inputDir: string, signal: AbortSignal): { place: BucketPlace; prefix: string } {
    const { bucket, pattern } = parseBucketUrl(`${inputDir.replace(/\/+$/, "")}/*`)!;
    const prefix = pattern.slice(0, -1);
    return { place: underPrefix(lateBucket(bucket, signal), prefix), prefix };
}

/** Opened when it is asked for: credentials that are missing are a fault of the bucket, which somebody may mend meanwhile. */
function lateBucket(bucket: string, signal: AbortSignal): Bucket {
    let opened: Bucket | null = null;
    const open = () => {
        opened ??= openBucket({ bucket, signal });
        return opened;
    };
    return {
        name: `s3://${bucket}`,
        async *list(options) {
            yield* open().list(options);
        },
        head: async (key) => await open().head(key),
        read: async (...range) => await open().read(...range),
        remove: async (object) => await open().remove(object),
        move: async (object, toKey) => await open().move(object, toKey),
    };
}
