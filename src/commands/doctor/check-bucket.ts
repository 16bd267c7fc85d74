/** Whether a stream's bucket can be reached, listed and read, and whether the clocks agree. Nothing is written to it. */

import { parseBucketUrl } from "../../bucket/bucket-url.ts";
import type { Limits } from "../../bucket/connection.ts";
import { BucketFault } from "../../bucket/faults.ts";
import { type Probe, probeBucket } from "../../bucket/probe-bucket.ts";
import { claims, literalStart } from "../../streams/route-files.ts";
import { formatDuration } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { type Found, fail, note, ok } from "./finding.ts";

/** Signatures hold for 15 minutes: from a third of that on it is worth a word. */
const fewClockMs = 5 * 60_000;
const mostClockMs = 15 * 60_000;

/** `files`: a glob of addresses, or the address that `--input` names. @throws what is no BucketFault */
export async function checkBucket(files: string, limits: Partial<Limits> = {}): Promise<Found> {
    try {
        const { bucket, pattern } = parseBucketUrl(files)!;
        const isWanted = (key: string) => claims(files, `s3://${bucket}/${key}`);
        return describeProbe(files, await probeBucket({ bucket }, literalStart(pattern), isWanted, limits));
    } catch (error) {
        if (!(error instanceof BucketFault)) throw error;
        return fail(error.what, error.remedy);
    }
}

/** `--input s3://bucket/prefix` has all that lies under it. */
export const filesOfInput = (inputDir: string) => `${inputDir.replace(/\/+$/, "")}/**`;

function describeProbe(files: string, { host, keys, readKey, clockAheadMs }: Probe): Found {
    const listed = `${sanitize(files, { most: 100 })} at ${host} can be listed (${describeKeys(keys)})`;
    const read = readKey === null ? "and has no file to read yet" : "and read";
    const found = `${listed} ${read}`;
    const apartMs = Math.abs(clockAheadMs ?? 0);
    if (apartMs < fewClockMs) return ok(`${found}.`);
    const skew = `Its clock is ${formatDuration(apartMs)} ${clockAheadMs! < 0 ? "behind" : "ahead of"} this machine's`;
    const remedy = "Set this machine's clock by NTP (timedatectl).";
    if (apartMs < mostClockMs) return note(`${found}. ${skew}: beyond 15 minutes it refuses what we sign.`, remedy);
    return note(`${found}. ${skew}, and it refuses what we sign: each process has to learn its time first.`, remedy);
}

const describeKeys = (keys: number) => (keys === 1 ? "1 key" : keys < 1_000 ? `${keys} keys` : "1,000 keys or more");
