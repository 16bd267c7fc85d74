/** Checks the API's token, and makes the value that the page's cookie holds in its place. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { exitCodes, SluiceError } from "../../../errors.ts";

const minTokenBytes = 32;

export type TokenCheck = ReturnType<typeof createTokenCheck>;

/** @throws SluiceError api_token_short */
export function createTokenCheck(token: string) {
    if (Buffer.byteLength(token) < minTokenBytes) {
        throw new SluiceError({
            code: "api_token_short",
            what: `The API's token has ${Buffer.byteLength(token)} bytes; it needs at least ${minTokenBytes}.`,
            remedy: "Generate one with `openssl rand -base64 32`.",
            setting: "apiToken",
            exitCode: exitCodes.configuration,
        });
    }
    const session = createHmac("sha256", token).update("sluice session 1").digest("base64url");
    return {
        isToken: (candidate: string) => equalInConstantTime(candidate, token),
        isSession: (candidate: string) => equalInConstantTime(candidate, session),
        /** The cookie's value: made from the token, of no use as one, and void as soon as the token changes. */
        session,
    };
}

/** Hashed first: timingSafeEqual wants equal lengths, and the length is secret too. */
function equalInConstantTime(left: string, right: string): boolean {
    const digest = (text: string) => createHash("sha256").update(text).digest();
    return timingSafeEqual(digest(left), digest(right));
}
