/** Which server, which region, and how an object's address is written: as the AWS tools decide it. */
import type { Environment } from "../environment.ts";
import { readProfile } from "./credentials/shared-files.ts";
import { BucketFault } from "./faults.ts";
import { encodePart } from "./sign-request.ts";

export interface BucketSettings {
    bucket: string;
    region?: string;
    endpoint?: string;
    /** `https://host/bucket/key` in place of `https://bucket.host/key`. Else by SLUICE_S3_PATH_STYLE, else wherever there is an endpoint. */
    pathStyle?: boolean;
    /** The process's, unless given. */
    env?: Environment;
    /** Ends whatever is under way, and what comes after. */
    signal?: AbortSignal;
}

/** Where requests for one bucket go. */
export interface Place {
    bucket: string;
    region: string;
    /** `https://host:port/path`, with no slash at the end. */
    origin: string;
    host: string;
    /** What comes before an object's key: "/", or "/bucket/". */
    root: string;
}

/** @throws BucketFault bucket_settings */
export function placeOf(settings: BucketSettings, env: Environment): Place {
    const { bucket } = settings;
    const profile = readProfile(env);
    const endpoint =
        settings.endpoint || env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || profile.endpoint_url || null;
    const region = settings.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || profile.region || "us-east-1";
    const isPathStyle = settings.pathStyle ?? pathStyleOf(env) ?? (endpoint !== null || bucket.includes("."));
    const base = parseEndpoint(endpoint ?? amazonEndpoint(region));
    if (!isPathStyle) base.host = `${bucket}.${base.host}`;
    const path = base.pathname.replace(/\/+$/, "");
    return {
        bucket,
        region,
        origin: base.origin,
        host: base.host,
        root: isPathStyle ? `${path}/${encodePart(bucket)}/` : `${path}/`,
    };
}

const amazonEndpoint = (region: string) => `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;

function pathStyleOf(env: Environment): boolean | null {
    const given = env.SLUICE_S3_PATH_STYLE;
    if (!given) return null;
    if (given === "true" || given === "false") return given === "true";
    throw refusal(`SLUICE_S3_PATH_STYLE is "${given}".`, 'Set it to "true" or "false".');
}

/** The text is not repeated: it may hold a password. */
function parseEndpoint(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) {
        throw refusal("The endpoint of the bucket is no http:// or https:// address.", "Check AWS_ENDPOINT_URL_S3.");
    }
    if (url.username !== "" || url.password !== "") {
        throw refusal(
            `The endpoint at ${url.host} has a user or a password in it.`,
            "Put credentials into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into a profile.",
        );
    }
    return url;
}

function refusal(what: string, remedy: string): BucketFault {
    return new BucketFault({ code: "bucket_settings", what, remedy });
}

/**
 * The path of a key, percent-encoded.
 * @throws BucketFault bucket_key_unsupported: an address cannot have a part "." or ".."
 */
export function pathOf(place: Place, key: string): string {
    const parts = key.split("/");
    if (parts.some((part) => part === "." || part === "..")) {
        throw new BucketFault({
            code: "bucket_key_unsupported",
            what: `The key ${key} has a part "." or "..", which no address can carry.`,
            remedy: "Give the object another key.",
        });
    }
    return place.root + parts.map(encodePart).join("/");
}
