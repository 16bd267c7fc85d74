/** The headers of https://www.standardwebhooks.com: its libraries verify what is signed here. */
import { createHmac } from "node:crypto";
import type { Message } from "./compose-message.ts";

/** `secret`: `whsec_` and base64; null leaves the signature out. The time is that of the attempt. Pure. */
export function signMessage({ id, body }: Message, secret: string | null, now: Date): Record<string, string> {
    const timestamp = String(Math.floor(now.getTime() / 1000));
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp };
    if (secret === null) return headers;
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
    return { ...headers, "webhook-signature": `v1,${signature}` };
}
