/**
 * Carries every loop through an outage: it is logged once, the step is retried with growing pauses, an embedded server is
 * started again, and the end is logged. Nothing is lost meanwhile: all state is in the database and the files.
 */
import type { Sql } from "../../database/connect.ts";
import { isConnectionFault, type Meaning, meaningOf, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import type { IngestLog } from "../context.ts";
import { createOutageVoice, type OutageVoice } from "./say-outage.ts";
import { sleep } from "./sleep.ts";
import { createTroubles, type Retries, type Trouble, type Troubles } from "./troubles.ts";

export interface Outage {
    /** Steps that were tried again so far, and why the last one was; null when none was. */
    retries(): Retries | null;
    /** How often a connection was lost so far. */
    outages(): number;
    /** The oldest reason that keeps a step from succeeding now; null when all goes on. */
    trouble(): Trouble | null;
    /** Makes something else than a failing step a trouble, until what is returned is called. */
    stand(code: string, what: string): () => void;
    /**
     * Runs `step` until it succeeds or fails for another reason than the database being away or busy. Null when the
     * run was stopped meanwhile. `isFirst`: the run has done nothing yet, and ends where somebody has to see to the
     * database first.
     * @throws SluiceError database_missing when it was dropped; ConnectionsChanged when there are too few connections
     */
    survive<Result>(step: () => Promise<Result>, options?: { isFirst?: boolean }): Promise<Result | null>;
}

export interface RecoveryOptions {
    sql: Sql;
    signal: AbortSignal;
    /** Restarts an embedded server that died. */
    revive: (() => Promise<void>) | null;
    voice: OutageVoice;
    /** Called before each question whether the database is back. */
    onAttempt?: () => void;
}

export interface OutageOptions extends Omit<RecoveryOptions, "voice" | "onAttempt"> {
    log: IngestLog;
    voice?: OutageVoice;
    /** Shared by all that wait for the same database: one of them asks it, and one says so. */
    recovery?: Recovery;
    /** A step that fails on changed tables throws, in place of being tried again. */
    isSchemaThrown?: boolean;
    troubles?: Troubles;
}

const firstPauseMs = 200;
const longestPauseMs = 5_000;
/** A failure so soon after an outage met a connection that was attempted during it: no news. */
const echoMs = 1_000;
/** A short question that is not answered for so long will not be: postgres.js itself would wait for ever. */
const answerDeadlineMs = 15_000;
/** By then it is no moment's shortage: with fewer connections the run may go on. */
const mostCrowdedAttempts = 4;
/** A database that is replaced by another is missing for a moment only. */
const missingPatienceMs = 10_000;

/** The run asks for more connections than there are, or for fewer: it begins again with as many as it can have. */
export class ConnectionsChanged extends Error {
    override readonly name = "ConnectionsChanged";
}

export function createOutage(options: OutageOptions): Outage {
    const { log, signal, isSchemaThrown = false } = options;
    const { voice = createOutageVoice(log), troubles = createTroubles() } = options;
    const recovery = options.recovery ?? createRecovery({ ...options, voice });

    /** Returns when the step is worth another try. */
    async function overcome(error: unknown, meaning: Meaning, { attempt, begunAt }: Attempt): Promise<void> {
        if (meaning === "crowded" && attempt >= mostCrowdedAttempts) {
            throw new ConnectionsChanged("Too few connections.", { cause: error });
        }
        if (meaning === "away" && !recovery.isEcho(begunAt)) return await recovery.await(error);
        if (meaning === "halted" && recovery.isUnderWay()) return await recovery.await(error);
        if (meaning === "schema") voice.schemaChanged(error);
        else if (meaning !== "away") voice.busy(error, attempt);
        await pause(meaning === "away" ? 0 : attempt, signal);
    }

    return {
        retries: troubles.retries,
        outages: recovery.outages,
        trouble: troubles.longest,
        stand(code, what) {
            const standing = troubles.begin(code, what);
            troubles.stands(standing);
            return () => troubles.over(standing);
        },
        async survive(step, { isFirst = false } = {}) {
            const standing = troubles.begin();
            try {
                for (let attempt = 0; !signal.aborted; attempt += 1) {
                    const begunAt = performance.now();
                    try {
                        const result = await step();
                        troubles.over(standing);
                        if (standing.isSchema && !troubles.hasSchema()) voice.schemaBack();
                        return result;
                    } catch (error) {
                        const meaning = meaningOf(error) ?? (await recovery.meaningOfOther(error));
                        if (!isWaitedFor(meaning, isFirst) || (meaning === "schema" && isSchemaThrown)) throw error;
                        // A run that is being stopped ends its own connections: that is no outage.
                        if (signal.aborted) return null;
                        if (meaning === "away" || meaning === "crowded") recovery.count();
                        troubles.failed(standing, error);
                        recovery.refuseMissing(error);
                        await overcome(error, meaning, { attempt, begunAt });
                    }
                }
                return null;
            } finally {
                troubles.over(standing);
            }
        },
    };
}

interface Attempt {
    attempt: number;
    /** By the monotonic clock. */
    begunAt: number;
}

function isWaitedFor(meaning: Meaning | null, isFirst: boolean): meaning is Meaning {
    if (meaning === null || meaning === "data") return false;
    return !(isFirst && (meaning === "halted" || meaning === "schema"));
}

export type Recovery = ReturnType<typeof createRecovery>;

export function createRecovery({ sql, signal, revive, voice, onAttempt = () => {} }: RecoveryOptions) {
    let underWay: Promise<void> | null = null;
    let outages = 0;
    /** By the monotonic clock. */
    let recoveredAt = Number.NEGATIVE_INFINITY;
    let missingSince: number | null = null;

    async function recover(error: unknown): Promise<void> {
        const away = voice.away(error);
        for (let attempt = 0; !signal.aborted; attempt += 1) {
            await pause(attempt, signal);
            onAttempt();
            try {
                await revive?.();
                await answerInTime(sql`select 1`);
                await recoverPrepared(sql);
                return away.back();
            } catch (error) {
                // A start of the embedded server that a stop gave up.
                if (signal.aborted) return;
                away.refused(error);
                refuseMissing(error);
            }
        }
    }

    /** @throws SluiceError database_missing when it is not the first that says so, but it has been said for a while. */
    function refuseMissing(error: unknown): void {
        if (sqlStateOf(error) !== sqlStates.invalidCatalogName) {
            missingSince = null;
            return;
        }
        missingSince ??= performance.now();
        if (performance.now() < missingSince + missingPatienceMs) return;
        throw new SluiceError({
            code: "database_missing",
            what: `The database ${sql.options.database} no longer exists: it was dropped or renamed while this ran.`,
            remedy: "Restore or create it, and start again: files that its ledger does not know are read again.",
            setting: "databaseUrl",
            exitCode: exitCodes.configuration,
            cause: error,
        });
    }

    return {
        /**
         * A backend of Citus whose server is killed calls that an internal error, as its last word: whether the server is there decides.
         */
        async meaningOfOther(error: unknown): Promise<Meaning | null> {
            if (sqlStateOf(error) !== sqlStates.internalError) return null;
            try {
                await answerInTime(sql`select 1`);
                return null;
            } catch (silence) {
                return isConnectionFault(silence) ? "away" : null;
            }
        },
        /** How often a connection was lost so far. */
        outages: () => outages,
        count(): void {
            outages += 1;
        },
        isUnderWay: () => underWay !== null,
        /** A step that was begun during an outage which is over, and failed for it. */
        isEcho: (begunAt: number) => underWay === null && begunAt < recoveredAt + echoMs,
        /** Resolves when the database answers again, or the run is stopped; all loops share one such wait. */
        async await(error: unknown): Promise<void> {
            underWay ??= recover(error).finally(() => {
                underWay = null;
                recoveredAt = performance.now();
            });
            await underWay;
        },
        refuseMissing,
    };
}

/** Where the database is a Citus coordinator that was killed: what it left on its workers holds locks there. */
export async function recoverPrepared(sql: Sql): Promise<void> {
    await answerInTime(sql`select ingest.recover_prepared()`);
}

/** The answer, or after the deadline what the system says of a peer that is silent: a fault of the connection. */
export async function answerInTime<Answer>(
    query: PromiseLike<Answer>,
    deadlineMs: number = answerDeadlineMs,
): Promise<Answer> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
        const late = () => reject(Object.assign(new Error("The database does not answer."), { code: "ETIMEDOUT" }));
        timer = setTimeout(late, deadlineMs);
    });
    try {
        return await Promise.race([query, silence]);
    } finally {
        clearTimeout(timer);
    }
}

/** Grows from 0.2 to 5 s, with jitter, so that many workers do not come back in step. */
export function pause(attempt: number, signal: AbortSignal): Promise<void> {
    const longest = Math.min(firstPauseMs * 2 ** attempt, longestPauseMs);
    return sleep(longest * (0.5 + Math.random() / 2), signal);
}
