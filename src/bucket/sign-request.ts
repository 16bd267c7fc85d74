/**
 * AWS Signature Version 4, in headers (pure): https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * Bun's client signs addresses alone, and Amazon refuses a request with an x-amz-… header that is not signed: a copy needs some.
 */
import { createHash, createHmac } from "node:crypto";

export interface Credentials {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
    /** Null: they last. */
    expiresAt: Date | null;
}

export interface UnsignedRequest {
    method: string;
    host: string;
    /** Percent-encoded already, as it is sent. */
    path: string;
    query: Readonly<Record<string, string>>;
    /** By names in lower case. Those that begin with x-amz- are signed. */
    headers: Readonly<Record<string, string>>;
    body: string;
}

export interface SigningContext {
    credentials: Credentials;
    region: string;
    at: Date;
    service?: string;
}

/** The headers to send: those given, the time, the body's hash, the session token and the signature. */
export function signRequest(request: UnsignedRequest, context: SigningContext): Record<string, string> {
    const { credentials, region, at, service = "s3" } = context;
    const moment = at.toISOString().replace(/[-:]|\.\d+/g, "");
    const bodyHash = sha256(request.body);
    const headers: Record<string, string> = {
        ...request.headers,
        "x-amz-content-sha256": bodyHash,
        "x-amz-date": moment,
        ...(credentials.sessionToken && { "x-amz-security-token": credentials.sessionToken }),
    };
    const signed = Object.entries({ ...headers, host: request.host })
        .filter(([name]) => name === "host" || name.startsWith("x-amz-"))
        .sort(([one], [other]) => (one < other ? -1 : 1));
    const names = signed.map(([name]) => name).join(";");
    const canonical = [
        request.method,
        request.path,
        encodeQuery(request.query),
        ...signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, " ")}`),
        "",
        names,
        bodyHash,
    ].join("\n");
    const scope = `${moment.slice(0, 8)}/${region}/${service}/aws4_request`;
    const toSign = ["AWS4-HMAC-SHA256", moment, scope, sha256(canonical)].join("\n");
    const key = scope
        .split("/")
        .reduce<string | Buffer>((secret, part) => hmac(secret, part).digest(), `AWS4${credentials.secretAccessKey}`);
    const signature = hmac(key, toSign).digest("hex");
    const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return { ...headers, authorization };
}

/** Sorted by name, as the signature has it. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
    return Object.entries(query)
        .map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`)
        .sort()
        .join("&");
}

/** As RFC 3986 has it: all but letters, digits and -._~. */
export function encodePart(text: string): string {
    return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text);
