/** The same tests over a bucket: TESTS_IN=bucket takes the files from a bucket that holds what the folder holds. */
import { beforeEach } from "bun:test";
import { useBucket } from "./use-bucket.ts";

export const isOverBucket = process.env.TESTS_IN === "bucket";

/** `input`: what an ingest is given as `--input`, while a test runs. */
export function useInbox(folder: string): { readonly input: string } {
    if (!isOverBucket) return { input: folder };
    const bucket = useBucket();
    beforeEach(() => bucket.mirror(folder));
    return {
        get input() {
            return bucket.url;
        },
    };
}
