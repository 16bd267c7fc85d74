/** Whose objects are reported: by the patterns of all streams, as the loader finds them (src/engine/discover/open-inboxes.ts). Pure. */

import { isArchive } from "../../streams/archive-path.ts";
import { isUnfinishedName } from "../../streams/input-names.ts";
import { createRouter, isInBucket } from "../../streams/route-files.ts";
import type { KnownStream } from "../streams/read-streams.ts";
import type { IgnoredReason, ObjectHint } from "./read-hints.ts";

export interface RoutedHint {
    streamId: number;
    /** What the ledger calls it. */
    path: string;
}

type Routed = Pick<KnownStream, "streamId" | "name" | "files">;

/** `inputs`: of the ingests that run; those that are a bucket's prefix count. */
export function createHintRouter(streams: readonly Routed[], inputs: readonly string[]) {
    const ofBucket = streams.filter(({ files }) => files !== null && isInBucket(files));
    const others = streams.filter((stream) => !ofBucket.includes(stream));
    const ownRouter = createRouter(ofBucket, () => false);
    // What the stream without `files` takes of these, its loader decides.
    const inputRouter = createRouter(others, (path) => !path.includes("/"));
    const prefixes = inputs.filter(isInBucket).map((input) => withPrefix(input));
    const buckets = new Set([
        ...ofBucket.map(({ files }) => bucketOf(files!)),
        ...prefixes.map(({ bucket }) => bucket),
    ]);

    return ({ bucket, key }: ObjectHint): RoutedHint[] | IgnoredReason => {
        if (!buckets.has(bucket)) return "other_bucket";
        if (isHidden(key)) return "outside_pattern";
        const address = `s3://${bucket}/${key}`;
        const own = claimants(ownRouter, address).map((name) => ({ streamId: idOf(ofBucket, name), path: address }));
        if (own.length > 0) return own;
        const paths = prefixes
            .filter((input) => input.bucket === bucket && key.startsWith(input.prefix) && key !== input.prefix)
            .map(({ prefix }) => key.slice(prefix.length));
        const found = paths.flatMap((path) =>
            claimants(inputRouter, path).map((name) => ({ streamId: idOf(others, name), path })),
        );
        return found.length > 0 ? found : "outside_pattern";
    };
}

/** An archive may hold files of several streams. */
function claimants(router: ReturnType<typeof createRouter>, path: string): readonly string[] {
    if (isArchive(path)) return router.mayTakeIn(path);
    const { stream } = router.claimOf(path);
    return stream === null ? [] : [stream];
}

const isHidden = (key: string) => key.split("/").some(isUnfinishedName);

const idOf = (streams: readonly Routed[], name: string) => streams.find((stream) => stream.name === name)!.streamId;

const bucketOf = (address: string) => address.slice("s3://".length).split("/")[0]!;

function withPrefix(input: string): { bucket: string; prefix: string } {
    const bucket = bucketOf(input);
    const rest = input.slice("s3://".length + bucket.length + 1).replace(/\/+$/, "");
    return { bucket, prefix: rest === "" ? "" : `${rest}/` };
}
