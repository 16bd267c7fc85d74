/** One request with its retries: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
import type { Ask, Connection } from "./connection.ts";
import { explainBroken, Stalled } from "./explain-broken.ts";
import { explainRefusal, isAboutCredentials, isSkewed } from "./explain-refusal.ts";
import { BucketFault, ObjectChanged, ObjectGone } from "./faults.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import { pathOf } from "./settings.ts";
import { type Credentials, encodeQuery, signRequest } from "./sign-request.ts";
import { watchSilence } from "./watch-silence.ts";

export interface PerformOptions<Result> {
    /** Asked for each attempt: one may go on where the last broke off. */
    ask: () => Ask;
    /** Reads an answer that is a success. It calls `alive` whenever something came. */
    receive: (response: Response, alive: () => void) => Promise<Result>;
    /** Bytes that have come for good: as long as it grows, attempts are not counted. */
    progress?: () => number;
    signal?: AbortSignal | undefined;
}

/** @throws BucketFault, ObjectChanged, ObjectGone, or the reason of a signal */
export async function perform<Result>(connection: Connection, options: PerformOptions<Result>): Promise<Result> {
    const { ask, progress = () => 0, signal } = options;
    const { limits, credentials } = connection;
    let isRenewed = false;
    let isClockSet = false;
    let reached = progress();
    let attempts = 0;
    while (true) {
        throwIfEnded(connection, signal);
        const used = await credentials.current();
        try {
            return await attempt(connection, options, used);
        } catch (error) {
            throwIfEnded(connection, signal);
            if (error instanceof Refusal) {
                if (isAboutCredentials(error) && !isRenewed) {
                    isRenewed = true;
                    if (await credentials.renew(used)) continue;
                }
                if (isSkewed(error) && !isClockSet) {
                    isClockSet = true;
                    if (setClock(connection)) continue;
                }
            }
            const fault = explain(error, connection, ask());
            if (!(fault instanceof BucketFault && fault.isTransient)) throw fault;
            attempts = progress() > reached ? 1 : attempts + 1;
            reached = progress();
            const { retryAfterMs = 0 } = fault;
            if (attempts >= limits.attempts || retryAfterMs > limits.longestPauseMs) throw fault;
            await pause(Math.max(retryAfterMs, pauseMs(attempts, connection)), [connection.signal, signal]);
        }
    }
}

async function attempt<Result>(
    connection: Connection,
    { ask: makeAsk, receive, signal }: PerformOptions<Result>,
    credentials: Credentials,
): Promise<Result> {
    const ask = makeAsk();
    const watch = watchSilence(ask.silentMs ?? connection.limits.silentMs, [connection.signal, signal]);
    try {
        const response = await send(connection, ask, credentials, watch.signal);
        watch.alive();
        noteClock(connection, response.headers);
        if (!response.ok) throw await readRefusal(connection, ask, response, credentials, watch.signal);
        return await receive(response, watch.alive);
    } catch (error) {
        watch.cut();
        throw watch.isSilent() ? new Stalled() : error;
    } finally {
        watch.end();
    }
}

function send(connection: Connection, ask: Ask, credentials: Credentials, signal: AbortSignal): Promise<Response> {
    const { place, clock, limits } = connection;
    const path = ask.key === undefined ? place.root : pathOf(place, ask.key);
    const { method, query = {}, headers = {}, body = "" } = ask;
    const signed = signRequest(
        { method, host: place.host, path, query, headers, body },
        { credentials, region: place.region, at: new Date(limits.now() + clock.aheadMs) },
    );
    const search = encodeQuery(query);
    return fetch(`${place.origin}${path}${search === "" ? "" : `?${search}`}`, {
        method,
        headers: signed,
        ...(body !== "" && { body }),
        signal,
        redirect: "manual",
        // An object may be stored with `Content-Encoding: gzip`: its bytes are wanted as they are.
        decompress: false,
    });
}

/** The answer to a HEAD has no body, and so no word of what is wrong: a GET of one byte has. */
async function readRefusal(
    connection: Connection,
    ask: Ask,
    response: Response,
    credentials: Credentials,
    signal: AbortSignal,
): Promise<Refusal> {
    const refusal = refusalOf(response.status, response.headers, await response.text());
    if (ask.method !== "HEAD" || response.status >= 500) return refusal;
    const byGet = await send(
        connection,
        { ...ask, method: "GET", headers: { ...ask.headers, range: "bytes=0-0" } },
        credentials,
        signal,
    );
    const body = await byGet.text();
    return byGet.status === response.status ? refusalOf(byGet.status, byGet.headers, body) : refusal;
}

function explain(error: unknown, connection: Connection, { key, permission }: Ask): Error {
    if (error instanceof BucketFault || error instanceof ObjectChanged || error instanceof ObjectGone) return error;
    const { place, limits } = connection;
    if (!(error instanceof Refusal)) return explainBroken(error, place.host);
    const { bucket, region, host } = place;
    return explainRefusal(error, { bucket, region, host, key, permission, now: limits.now() });
}

/** False: the server does not say what time it is. */
function setClock({ clock }: Connection): boolean {
    if (clock.seenAheadMs === null) return false;
    clock.aheadMs = clock.seenAheadMs;
    return true;
}

function noteClock({ clock, limits }: Connection, headers: Headers): void {
    const theirs = Date.parse(headers.get("date") ?? "");
    clock.seenAheadMs = Number.isNaN(theirs) ? null : theirs - limits.now();
}

function throwIfEnded(connection: Connection, signal: AbortSignal | undefined): void {
    connection.signal?.throwIfAborted();
    signal?.throwIfAborted();
}

/** "Full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
function pauseMs(attempts: number, { limits }: Connection): number {
    const most = Math.min(limits.longestPauseMs, limits.firstPauseMs * 2 ** (attempts - 1));
    return limits.random() * most;
}

function pause(ms: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    return new Promise((resolve) => {
        const end = () => {
            clearTimeout(timer);
            for (const signal of signals) signal?.removeEventListener("abort", end);
            resolve();
        };
        const timer = setTimeout(end, ms);
        for (const signal of signals) signal?.addEventListener("abort", end);
    });
}
