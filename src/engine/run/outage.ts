/**
 * What every loop does when the database does not answer: says so once, tries again with growing pauses, brings an
 * embedded server back up, says when it is over. Nothing is lost meanwhile: all state is in the database and the files.
 */
import type { Sql } from "../../database/connect.ts";
import { describeFault } from "../../database/describe-fault.ts";
import { isConnectionFault, type Meaning, meaningOf, sqlStateOf } from "../../database/sql-states.ts";
import { SluiceError } from "../../errors.ts";
import type { IngestLog } from "./context.ts";
import { sleep } from "./sleep.ts";

export interface Outage {
    /** Steps that were tried again so far, and why the last one was; null when none was. */
    retries(): Retries | null;
    /** How often a connection was lost so far. */
    outages(): number;
    /** What keeps a step from succeeding now, the longest standing of them; null when all goes on. */
    trouble(): Trouble | null;
    /** Makes something else than a failing step a trouble, until what is returned is called. */
    stand(code: string, what: string): () => void;
    /**
     * Runs `step` until it succeeds or fails for another reason than the database being away or busy. Null when the
     * run was stopped meanwhile. `isFirst`: the run has done nothing yet, and ends where somebody has to see to the
     * database first.
     */
    survive<Result>(step: () => Promise<Result>, options?: { isFirst?: boolean }): Promise<Result | null>;
}

export interface Retries {
    count: number;
    /** SQLSTATE, or the driver's or the system's name for it. */
    lastReason: string;
    lastSecondsAgo: number;
}

/** For status; the ingest says it in its log too. */
export interface Trouble {
    /** SQLSTATE, or the driver's or the system's name for it. */
    code: string;
    /** Part of a sentence, for people: what it is, and what helps. */
    what: string;
    /** Failed attempts of this step. */
    attempts: number;
    seconds: number;
}

export interface OutageOptions {
    sql: Sql;
    log: IngestLog;
    signal: AbortSignal;
    /** Restarts an embedded server that died. */
    revive: (() => Promise<void>) | null;
}

const firstPauseMs = 200;
const longestPauseMs = 5_000;
/** What fails so soon after an outage met a connection that was attempted during it: no news. */
const echoMs = 1_000;
/** A short question that is not answered for so long will not be: postgres.js itself would wait for ever. */
const answerDeadlineMs = 15_000;
/** A step that fails so often for a reason that passes is worth a line, once a minute. */
const sayFromAttempt = 3;
const sayAgainMs = 60_000;

/** By then it is no moment's shortage: with fewer connections the run may go on. */
const mostCrowdedAttempts = 4;

/** The run asks for more connections than there are; none of its steps may ever get one of those that the others keep. */
export class TooCrowded extends Error {
    override readonly name = "TooCrowded";
}

export function createOutage({ sql, log, signal, revive }: OutageOptions): Outage {
    let recovery: Promise<void> | null = null;
    /** By the monotonic clock. */
    let recoveredAt = Number.NEGATIVE_INFINITY;
    let saidBusyAt = Number.NEGATIVE_INFINITY;
    let outages = 0;
    let retries: { count: number; lastReason: string; lastAt: number } | null = null;
    let hasSaidSchema = false;
    const troubles = new Set<Standing>();

    function note(error: unknown, standing: Standing): void {
        if (standing.attempts === 0) standing.sinceAt = performance.now();
        retries = { count: (retries?.count ?? 0) + 1, lastReason: reasonOf(error), lastAt: performance.now() };
        standing.code = reasonOf(error);
        standing.what = describeFault(error) ?? reasonOf(error);
        standing.attempts += 1;
        standing.isSchema = meaningOf(error) === "schema";
        troubles.add(standing);
    }

    function sayBusy(attempt: number, error: unknown): void {
        if (attempt < sayFromAttempt || performance.now() < saidBusyAt + sayAgainMs) return;
        saidBusyAt = performance.now();
        log.warn(
            `The database cannot do it now (${describeFault(error)}). It is tried again until it can; nothing is lost.`,
            { event: "database_busy", code: reasonOf(error) },
        );
    }

    /** At once, since somebody has just changed something, and once for all steps that fail on it. */
    function saySchema(error: unknown): void {
        if (hasSaidSchema) return;
        hasSaidSchema = true;
        log.warn(
            `The tables are not as they were (${describeFault(error)}). Undo that change, or stop and run \`bun run doctor\`. ` +
                "No file fails for it: the ingest waits, and goes on when it is undone.",
            { event: "schema_changed", code: reasonOf(error) },
        );
    }

    function overcame(standing: Standing): void {
        troubles.delete(standing);
        if (!hasSaidSchema || !standing.isSchema) return;
        if ([...troubles].some(({ isSchema }) => isSchema)) return;
        hasSaidSchema = false;
        log.info("The tables are as they were. The ingest goes on.", { event: "schema_back" });
    }

    /** Another reason than the first one is somebody's to see to: the password was changed, the database dropped. */
    function createSayer(error: unknown) {
        let said = reasonOf(error);
        return (error: unknown): false => {
            const state = sqlStateOf(error);
            if (state !== null && state !== said && meaningOf(error) !== "away") {
                said = state;
                const facts = { event: "database_away", code: state };
                log.warn(`The database lets nobody in: ${(error as Error).message} (${state}). Still waiting.`, facts);
            }
            return false;
        };
    }

    async function recover(error: unknown): Promise<void> {
        const awayFrom = performance.now();
        let saidOfStart = "";
        const sayOfStart = (error: unknown) => {
            // What keeps an embedded server from starting is somebody's to mend: the disk is full, the port is taken.
            if (error instanceof SluiceError && error.code !== saidOfStart) {
                saidOfStart = error.code;
                log.warn(error.message, { event: "database_away", code: error.code });
            }
            throw error;
        };
        const code = reasonOf(error);
        const sayRefusal = createSayer(error);
        log.warn(`The database is away (${code}). Waiting for it; nothing is lost.`, { event: "database_away", code });
        for (let attempt = 0; !signal.aborted; attempt += 1) {
            await pause(attempt, signal);
            const isBack = await Promise.resolve(revive?.().catch(sayOfStart))
                .then(() => answerInTime(sql`select 1`))
                .then(() => true)
                .catch(sayRefusal);
            if (isBack) {
                const durationMs = Math.round(performance.now() - awayFrom);
                const seconds = Math.round(durationMs / 1000);
                log.info(`The database is back after ${seconds} s.`, { event: "database_back", durationMs });
                break;
            }
        }
        recovery = null;
        recoveredAt = performance.now();
    }

    async function overcome(error: unknown, { meaning, attempt, begunAt }: Failure): Promise<void> {
        if (meaning === "crowded" && attempt >= mostCrowdedAttempts) {
            throw new TooCrowded("There are too few connections.", { cause: error });
        }
        if (meaning === "schema") {
            saySchema(error);
            await pause(attempt, signal);
        } else if (meaning !== "away") {
            sayBusy(attempt, error);
            await pause(attempt, signal);
        } else if (recovery === null && begunAt < recoveredAt + echoMs) {
            await pause(0, signal);
        } else {
            recovery ??= recover(error);
            await recovery;
        }
    }

    return {
        retries() {
            if (retries === null) return null;
            const { count, lastReason, lastAt } = retries;
            return { count, lastReason, lastSecondsAgo: Math.round((performance.now() - lastAt) / 1000) };
        },
        outages: () => outages,
        trouble() {
            const [longest] = [...troubles].sort((left, right) => left.sinceAt - right.sinceAt);
            if (longest === undefined) return null;
            const { code, what, attempts, sinceAt } = longest;
            return { code, what, attempts, seconds: Math.round((performance.now() - sinceAt) / 1000) };
        },
        stand(code, what) {
            const standing = { code, what, attempts: 0, sinceAt: performance.now(), isSchema: false };
            troubles.add(standing);
            return () => void troubles.delete(standing);
        },
        async survive(step, { isFirst = false } = {}) {
            const standing: Standing = { code: "", what: "", attempts: 0, sinceAt: 0, isSchema: false };
            try {
                for (let attempt = 0; !signal.aborted; attempt += 1) {
                    const begunAt = performance.now();
                    try {
                        const result = await step();
                        overcame(standing);
                        return result;
                    } catch (error) {
                        const meaning = meaningOf(error);
                        if (!isWaitedFor(meaning, isFirst)) throw error;
                        // A run that is being stopped ends its own connections: that is no outage.
                        if (signal.aborted) return null;
                        if (isConnectionFault(error)) outages += 1;
                        note(error, standing);
                        await overcome(error, { meaning, attempt, begunAt });
                    }
                }
                return null;
            } finally {
                troubles.delete(standing);
            }
        },
    };
}

interface Failure {
    meaning: Meaning | null;
    attempt: number;
    begunAt: number;
}

interface Standing extends Omit<Trouble, "seconds"> {
    sinceAt: number;
    isSchema: boolean;
}

function isWaitedFor(meaning: Meaning | null, isFirst: boolean): boolean {
    if (meaning === null || meaning === "data") return false;
    return !(isFirst && (meaning === "halted" || meaning === "schema"));
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
function pause(attempt: number, signal: AbortSignal): Promise<void> {
    const longest = Math.min(firstPauseMs * 2 ** attempt, longestPauseMs);
    return sleep(longest * (0.5 + Math.random() / 2), signal);
}

function reasonOf(error: unknown): string {
    const { code, message } = error as { code?: string; message?: string };
    return sqlStateOf(error) ?? code ?? message ?? "no answer";
}
