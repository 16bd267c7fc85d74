import type { KeptCredentials } from "./credentials/keep-credentials.ts";
import type { Permission } from "./faults.ts";
import type { Place } from "./settings.ts";

/** Shared by all requests to one bucket. */
export interface Connection {
    place: Place;
    credentials: KeptCredentials;
    limits: Limits;
    clock: Clock;
    signal: AbortSignal | undefined;
}

export interface Clock {
    /** By how much what we sign is put forward; 0 until the server has refused our time. */
    aheadMs: number;
    /** How far the server's clock was ahead of ours at its latest answer, to a second; null: it has not said. */
    seenAheadMs: number | null;
}

/** How much at once, how long to wait, and how often. */
export interface Limits {
    /** Attempts in a row that bring nothing. */
    attempts: number;
    /** Pauses are random, up to this at first and twice as long each time, up to the longest. */
    firstPauseMs: number;
    longestPauseMs: number;
    /** A request is ended when no byte has come for so long. */
    silentMs: number;
    /** The same while the server copies: it says nothing then. */
    copyingMs: number;
    /** Keys on a page of a listing: Amazon gives no more than 1,000. */
    pageKeys: number;
    /** One copy takes no more: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
    copyBytes: number;
    /** From 0 up to 1. */
    random(): number;
    now(): number;
}

export const usualLimits: Limits = {
    attempts: 6,
    firstPauseMs: 250,
    longestPauseMs: 8_000,
    silentMs: 30_000,
    copyingMs: 600_000,
    pageKeys: 1000,
    copyBytes: 5 * 1024 ** 3,
    random: Math.random,
    now: Date.now,
};

/** One request, before it is signed. */
export interface Ask {
    method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
    /** None: of the bucket as a whole. */
    key?: string;
    query?: Readonly<Record<string, string>>;
    /** Names in lower case. */
    headers?: Readonly<Record<string, string>>;
    body?: string;
    /** The permission that a policy must grant. */
    permission: Permission;
    silentMs?: number;
}
