/** How what is done with a bucket ends, other than well. */
import { exitCodes, SluiceError, type SluiceErrorFields } from "../errors.ts";

/** What a policy has to allow. */
export type Permission = "s3:ListBucket" | "s3:GetObject" | "s3:DeleteObject" | "s3:PutObject";

export type BucketFaultCode =
    | "bucket_access_denied"
    | "bucket_bad_credentials"
    | "bucket_clock_skew"
    | "bucket_cut"
    | "bucket_expired_credentials"
    | "bucket_key_unsupported"
    | "bucket_no_credentials"
    | "bucket_not_found"
    | "bucket_object_archived"
    | "bucket_odd_answer"
    | "bucket_refused"
    | "bucket_settings"
    | "bucket_slow_down"
    | "bucket_stalled"
    | "bucket_tls"
    | "bucket_unavailable"
    | "bucket_unreachable"
    | "bucket_wrong_region";

export interface BucketFaultFields extends SluiceErrorFields {
    code: BucketFaultCode;
    /** Whether it may pass by itself. If not, somebody has to act. */
    isTransient?: boolean;
    permission?: Permission;
    retryAfterMs?: number;
}

/** A bucket could not be used, also after the retries that a request gets. It never holds a credential. */
export class BucketFault extends SluiceError {
    override readonly name = "BucketFault";
    readonly isTransient: boolean;
    /** The permission that is missing. */
    readonly permission: Permission | undefined;
    /** How long the server asked to be left alone. */
    readonly retryAfterMs: number | undefined;

    constructor({ isTransient = false, permission, retryAfterMs, ...fields }: BucketFaultFields) {
        super({ exitCode: isTransient ? exitCodes.failed : exitCodes.configuration, ...fields });
        this.isTransient = isTransient;
        this.permission = permission;
        this.retryAfterMs = retryAfterMs;
    }
}

/** The object is there and is not the one that was listed: another ETag or size. */
export class ObjectChanged extends Error {
    override readonly name = "ObjectChanged";

    constructor(readonly key: string) {
        super(`The object ${key} has changed.`);
    }
}

export class ObjectGone extends Error {
    override readonly name = "ObjectGone";

    constructor(readonly key: string) {
        super(`The object ${key} is gone.`);
    }
}
