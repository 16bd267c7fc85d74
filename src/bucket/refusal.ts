/** An answer of the server that is none of those hoped for: its status, and what its XML says. */
import { textOf } from "./xml.ts";

export class Refusal extends Error {
    override readonly name = "Refusal";

    constructor(
        readonly status: number,
        /** S3's word for it, such as NoSuchKey; "" when the answer has no body, as to a HEAD. */
        readonly code: string,
        readonly said: string,
        readonly headers: Headers,
        /** The region that the bucket is in, where the server names it. */
        readonly region: string | null,
    ) {
        super(`${status} ${code}`);
    }
}

export function refusalOf(status: number, headers: Headers, body: string): Refusal {
    const region = headers.get("x-amz-bucket-region") ?? textOf(body, "Region");
    return new Refusal(status, textOf(body, "Code") ?? "", textOf(body, "Message") ?? "", headers, region);
}

/** What the server asks for before the next attempt: seconds, or a date. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
    const given = headers.get("retry-after");
    if (given === null) return undefined;
    const seconds = Number(given);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(given) - now;
    return ms > 0 ? ms : undefined;
}
