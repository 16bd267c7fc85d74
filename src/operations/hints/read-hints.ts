/**
 * Reads which objects a notification reports as written. Pure.
 *
 * - S3 and MinIO: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * - EventBridge: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 * - SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 * - R2: https://developers.cloudflare.com/r2/buckets/event-notifications/
 * - Google Cloud Storage: https://cloud.google.com/storage/docs/pubsub-notifications
 */
export interface ObjectHint {
    bucket: string;
    /** As it is, not encoded. */
    key: string;
}

export const ignoredReasons = [
    "not_written",
    "test_event",
    "malformed",
    "other_bucket",
    "outside_pattern",
    "too_many",
] as const;
export type IgnoredReason = (typeof ignoredReasons)[number];

export interface ReadHints {
    hints: ObjectHint[];
    ignored: IgnoredReason[];
    /** SNS asks whether it may send: the address by which a person says so. */
    confirmAt: string | null;
}

/** No notification has more; S3 and MinIO send one each. */
export const mostHints = 1_000;
const longestKeyBytes = 1_024;

type Fields = Record<string, unknown>;
type Event = ObjectHint | IgnoredReason;

/** Null: it has the shape of no notification that is known. */
export function readHints(body: unknown): ReadHints | null {
    const confirmAt = confirmationOf(body);
    if (confirmAt !== null) return { hints: [], ignored: [], confirmAt };
    const events = Array.isArray(body) ? collect(body) : eventsOf(body, true);
    if (events === null) return null;
    const known = events.slice(0, mostHints);
    const ignored = known.filter((event) => typeof event === "string");
    const left = Array<IgnoredReason>(events.length - known.length).fill("too_many");
    return {
        hints: known.filter((event) => typeof event !== "string"),
        ignored: [...ignored, ...left],
        confirmAt: null,
    };
}

function confirmationOf(body: unknown): string | null {
    const { Type, SubscribeURL } = fieldsOf(body);
    if (Type !== "SubscriptionConfirmation" && Type !== "UnsubscribeConfirmation") return null;
    return typeof SubscribeURL === "string" ? SubscribeURL : "";
}

function collect(bodies: readonly unknown[]): Event[] | null {
    const all = bodies.map((body) => eventsOf(body, false));
    return all.includes(null) ? null : (all as Event[][]).flat();
}

/** `mayBeWrapped`: by SNS, whose message is such a body again, as text. */
function eventsOf(body: unknown, mayBeWrapped: boolean): Event[] | null {
    const fields = fieldsOf(body);
    if (Array.isArray(fields.Records)) return fields.Records.map(eventOfRecord);
    if (fields.Event === "s3:TestEvent") return ["test_event"];
    if (typeof fields["detail-type"] === "string") return [eventOfBridge(fields)];
    if (typeof fields.action === "string" && "object" in fields) return [eventOfR2(fields)];
    const { attributes } = fieldsOf(fields.message);
    if (attributes !== undefined) return [eventOfGoogle(fieldsOf(attributes))];
    if (!mayBeWrapped || fields.Type !== "Notification" || typeof fields.Message !== "string") return null;
    return eventsOf(parse(fields.Message), false);
}

/** MinIO puts `s3:` before the name. */
function eventOfRecord(record: unknown): Event {
    const { eventName, s3 } = fieldsOf(record);
    const { bucket, object } = fieldsOf(s3);
    if (typeof eventName !== "string") return "malformed";
    if (!/^(s3:)?ObjectCreated:/.test(eventName)) return "not_written";
    return hintOf(fieldsOf(bucket).name, decodeKey(fieldsOf(object).key));
}

/** Its keys are not encoded. */
function eventOfBridge({ detail, "detail-type": type }: Fields): Event {
    const { bucket, object } = fieldsOf(detail);
    return type === "Object Created" ? hintOf(fieldsOf(bucket).name, fieldsOf(object).key) : "not_written";
}

function eventOfR2({ action, bucket, object }: Fields): Event {
    const isWritten = ["PutObject", "CopyObject", "CompleteMultipartUpload"].includes(action as string);
    return isWritten ? hintOf(bucket, fieldsOf(object).key) : "not_written";
}

function eventOfGoogle({ eventType, bucketId, objectId }: Fields): Event {
    return eventType === "OBJECT_FINALIZE" ? hintOf(bucketId, objectId) : "not_written";
}

function hintOf(bucket: unknown, key: unknown): Event {
    if (typeof bucket !== "string" || typeof key !== "string") return "malformed";
    const isKey = key !== "" && key.isWellFormed() && !key.includes("\0") && Buffer.byteLength(key) <= longestKeyBytes;
    return isKey ? { bucket, key } : "malformed";
}

/** As a form encodes it: a space is a plus. */
function decodeKey(key: unknown): string | null {
    if (typeof key !== "string") return null;
    try {
        return decodeURIComponent(key.replaceAll("+", " "));
    } catch {
        return null;
    }
}

function fieldsOf(value: unknown): Fields {
    return value !== null && typeof value === "object" ? (value as Fields) : {};
}

function parse(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}
