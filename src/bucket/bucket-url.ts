/** `s3://bucket/prefix/**`, as a stream's `files` may say. */
import { BucketFault } from "./faults.ts";

export interface BucketUrl {
    bucket: string;
    /** The rest, without the slash after the bucket's name: keys do not begin with a slash. */
    pattern: string;
}

/** Amazon's names, and those of servers that are less strict. */
const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;

/** Null: it does not begin with s3://. @throws BucketFault bucket_settings */
export function parseBucketUrl(text: string): BucketUrl | null {
    if (!/^s3:\/\//i.test(text)) return null;
    const [bucket = "", ...rest] = text.slice("s3://".length).split("/");
    // The part before an @ may be a password, so no message quotes it.
    if (bucket.includes("@")) {
        throw refusal("An s3:// address has no user and no password.", "Take out what stands before the @.");
    }
    if (!bucketName.test(bucket)) {
        throw refusal(`${text} names no bucket.`, "Write s3://bucket/prefix/*.csv.");
    }
    const pattern = rest.join("/");
    if (pattern === "" || pattern.endsWith("/")) {
        throw refusal(`${text} names no files.`, `Write s3://${bucket}/${pattern}*.csv.`);
    }
    return { bucket, pattern };
}

function refusal(what: string, remedy: string): BucketFault {
    return new BucketFault({ code: "bucket_settings", what, remedy });
}
