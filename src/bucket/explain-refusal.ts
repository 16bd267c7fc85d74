/** From what a server answered to what is wrong and what to do (pure): https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
import { BucketFault, type BucketFaultCode, ObjectChanged, ObjectGone, type Permission } from "./faults.ts";
import { type Refusal, retryAfterMs } from "./refusal.ts";

export interface Asked {
    bucket: string;
    region: string;
    host: string;
    /** None: of the bucket as a whole. */
    key?: string | undefined;
    permission: Permission;
    now: number;
}

const expired = /^(ExpiredToken(Exception)?|InvalidToken|TokenRefreshRequired)$/;
const badCredentials =
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSecurity|NotSignedUp|AuthFailure|XAdminUserNotFound)$/;
const elsewhere = /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|Redirect)$/;
const gone = /^(NoSuchKey|NoSuchVersion|NotFound|)$/;
const tooMany = /^(SlowDown|TooManyRequests|Throttling.*|RequestLimitExceeded|ReduceYourRequestRate)$/;
const passing = /^(InternalError|ServiceUnavailable|RequestTimeout|OperationAborted)$/;

export const isSkewed = ({ code }: Refusal) => /^(RequestTimeTooSkewed|RequestExpired)$/.test(code);
export const isAboutCredentials = ({ code }: Refusal) => expired.test(code) || badCredentials.test(code);

export function explainRefusal(refusal: Refusal, asked: Asked): Error {
    const { status, code } = refusal;
    const { bucket, key } = asked;
    if (key !== undefined) {
        if (status === 412 || status === 416) return new ObjectChanged(key);
        if (status === 404 && gone.test(code)) return new ObjectGone(key);
        // What was deleted in a bucket that keeps versions.
        if (status === 405 && asked.permission === "s3:GetObject") return new ObjectGone(key);
    }
    if (code === "NoSuchBucket") {
        return fault(refusal, asked, "bucket_not_found", {
            what: `There is no bucket ${bucket} at ${asked.host}.`,
            remedy: "Check its name and the endpoint.",
        });
    }
    if (isSkewed(refusal)) {
        const theirs = refusal.headers.get("date");
        return fault(refusal, asked, "bucket_clock_skew", {
            what: `The clock of this machine says ${new Date(asked.now).toUTCString()}${theirs ? `, the server's ${theirs}` : ""}.`,
            remedy: "Set the clock: signatures hold for 15 minutes.",
        });
    }
    if (status === 429 || tooMany.test(code)) {
        return fault(refusal, asked, "bucket_slow_down", {
            what: `The server asks for fewer requests to ${bucket}.`,
            remedy: "Sluice tries again by itself. If it lasts, look for what else uses the bucket.",
            isTransient: true,
        });
    }
    if (status >= 500 || passing.test(code)) {
        // R2 and others answer 501 to what they do not have.
        const isMissing = status === 501 || code === "NotImplemented";
        return fault(refusal, asked, isMissing ? "bucket_refused" : "bucket_unavailable", {
            what: `The server answered ${describe(refusal)} for ${nameOf(asked)}.`,
            remedy: isMissing ? "The server lacks what was asked for." : "Sluice tries again by itself.",
            isTransient: !isMissing,
        });
    }
    return explainRights(refusal, asked);
}

function explainRights(refusal: Refusal, asked: Asked): BucketFault {
    const { status, code, region } = refusal;
    const { bucket } = asked;
    if ((status === 301 || elsewhere.test(code)) && region !== asked.region) {
        return fault(refusal, asked, "bucket_wrong_region", {
            what: `The bucket ${bucket} is ${region ? `in ${region}` : "elsewhere"}, and was asked for in ${asked.region}.`,
            remedy: region
                ? `Set AWS_REGION=${region}.`
                : "Set AWS_REGION to the bucket's region, or check the endpoint.",
        });
    }
    if (expired.test(code)) {
        return fault(refusal, asked, "bucket_expired_credentials", {
            what: `The credentials for ${bucket} have expired.`,
            remedy: "Log in again, or renew AWS_SESSION_TOKEN and what belongs to it.",
        });
    }
    if (badCredentials.test(code) || status === 401) {
        return fault(refusal, asked, "bucket_bad_credentials", {
            what: `The server does not take the credentials for ${bucket}: ${describe(refusal)}.`,
            remedy:
                code === "SignatureDoesNotMatch"
                    ? "Check AWS_SECRET_ACCESS_KEY, and that a proxy does not change requests."
                    : "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile.",
        });
    }
    if (code === "InvalidObjectState") {
        return fault(refusal, asked, "bucket_object_archived", {
            what: `${nameOf(asked)} is in an archive class and cannot be read.`,
            remedy: "Restore it, or leave archived objects out of the stream's files.",
        });
    }
    if (status === 403) return explainDenied(refusal, asked);
    return fault(refusal, asked, "bucket_refused", {
        what: `The server answered ${describe(refusal)} for ${nameOf(asked)}.`,
        remedy: "Check the endpoint and the bucket's settings.",
    });
}

/** Amazon names what is missing, which may be the right to a key of KMS. Without ListBucket it says 403 of what is not there. */
function explainDenied(refusal: Refusal, asked: Asked): BucketFault {
    const named = /not authorized to perform: ([\w:]+)/.exec(refusal.said)?.[1];
    const { permission } = asked;
    const arn = `arn:aws:s3:::${asked.bucket}${asked.key === undefined ? "" : `/${asked.key}`}`;
    const isOtherRight = named !== undefined && named !== permission;
    const orGone =
        permission === "s3:GetObject" && !isOtherRight
            ? " Without s3:ListBucket on the bucket an object that is gone looks the same."
            : "";
    return fault(refusal, asked, "bucket_access_denied", {
        what: `The credentials may not ${named ?? permission} on ${arn}.`,
        remedy: `Allow ${named ?? permission} there in their policy (docs/sources.md has one).${orGone}`,
        permission,
    });
}

function fault(
    refusal: Refusal,
    { now }: Asked,
    code: BucketFaultCode,
    said: { what: string; remedy: string; isTransient?: boolean; permission?: Permission },
): BucketFault {
    const afterMs = retryAfterMs(refusal.headers, now);
    return new BucketFault({ ...said, code, ...(afterMs !== undefined && { retryAfterMs: afterMs }) });
}

const describe = ({ status, code }: Refusal) => (code === "" ? `${status}` : `${status} ${code}`);

/** `s3://bucket/key`. */
function nameOf({ bucket, key }: Asked): string {
    return `s3://${bucket}${key === undefined ? "" : `/${key}`}`;
}
