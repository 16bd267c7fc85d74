/** One attempt to deliver a message. Nothing that it returns has the address in it: the path of Slack's is a key. */
import manifest from "../../../package.json" with { type: "json" };
import type { Message } from "./compose-message.ts";
import { signMessage } from "./sign-message.ts";

export interface Receiver {
    webhook: string;
    /** Null: messages are not signed. */
    secret: string | null;
}

export interface Attempt {
    /** `HTTP 500`, `ConnectionRefused`, `no answer within 10 s`; null when it was delivered. */
    failure: string | null;
    /** False: the receiver wants no such message, whenever it comes. */
    mayRetry: boolean;
    /** Nobody answered: other messages would fare no better now. */
    isSilent: boolean;
    /** How long it wants to be left alone. */
    retryAfterMs: number;
    status: number | null;
    /** How its answer begins: for a person who tries it, and for no log. */
    answer: string;
}

const timeoutMs = 10_000;

/**
 * 2xx is a success. 410 says that the receiver is gone for good. All else may pass, a wrong address or key included, since
 * somebody will correct it. A redirect is not followed: a message could be led to any host.
 */
export async function sendMessage(
    message: Message,
    { webhook, secret }: Receiver,
    signal: AbortSignal = new AbortController().signal,
    patienceMs: number = timeoutMs,
): Promise<Attempt> {
    try {
        const response = await fetch(webhook, {
            method: "POST",
            redirect: "manual",
            signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
            headers: {
                "content-type": "application/json",
                "user-agent": `Sluice/${manifest.version}`,
                ...signMessage(message, secret, new Date()),
            },
            body: message.body,
        });
        const answer = await readStart(response).catch(() => "");
        const { status, ok } = response;
        const isRedirect = status >= 300 && status < 400;
        return {
            failure: ok ? null : `HTTP ${status}${isRedirect ? " (redirects are not followed)" : ""}`,
            mayRetry: status !== 410,
            isSilent: false,
            retryAfterMs: readRetryAfter(response.headers.get("retry-after")),
            status,
            answer,
        };
    } catch (error) {
        const silence = { mayRetry: true, isSilent: true, retryAfterMs: 0, status: null, answer: "" };
        return { failure: nameFailure(error, patienceMs), ...silence };
    }
}

/** It may be of any length. */
async function readStart({ body }: Response): Promise<string> {
    const reader = body?.getReader();
    const start = await reader?.read();
    await reader?.cancel();
    return new TextDecoder().decode(start?.value?.slice(0, 300));
}

function readRetryAfter(text: string | null): number {
    if (text === null) return 0;
    const seconds = Number(text);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now();
    return Math.max(0, ms || 0);
}

/** By its code or name alone: the words of a failed request have the address in them. */
function nameFailure(error: unknown, patienceMs: number): string {
    const { name, code } = error as { name?: string; code?: unknown };
    if (name === "TimeoutError") return `no answer within ${patienceMs / 1000} s`;
    return typeof code === "string" ? code : (name ?? "failed");
}
