/**
 * `--defer-indexes`: drops the non-unique indexes of the stream's table when a backlog begins that is larger than the table, and makes them again
 * when it is loaded. The loader alone does it. What it has to do is in the ledger (sql/engine/deferred_indexes.sql), so a run that
 * finds some makes them, with or without the option.
 */
import { describeFault } from "../../database/describe-fault.ts";
import { passFaultPoint } from "../../database/faults/pass-fault-point.ts";
import { meaningOf, sluiceStates, sqlStateOf, sqlStates } from "../../database/sql-states.ts";
import { commandHere } from "../../environment.ts";
import { formatBytes, formatCount, formatDuration } from "../../terminal/format.ts";
import {
    type DeferredIndex,
    deferIndexes,
    examineIndexes,
    type IndexSituation,
    makeIndex,
    noteIndexProblem,
    readDeferredIndexes,
} from "../ledger/deferred-indexes.ts";
import type { Run } from "../loops.ts";
import { sleep } from "../outage/sleep.ts";

const MiB = 1024 * 1024;
/** Dropping and making indexes takes longer than it saves below this. */
const leastBacklogBytes = 8 * MiB;
/** What `ingest` proposes it for. */
const worthProposingBytes = 256 * MiB;
/** With no more than this left a backlog is over, and merges are short: they wait while indexes are made. */
const fewRecords = 20_000;
const mostAttempts = 3;
const mostAtOnce = 2;
const sayEveryMs = 10_000;

export interface IndexDeferral {
    /** Before a turn loads: makes what an earlier run left, or drops the indexes where that helps. */
    begin(): Promise<void>;
    /** After a turn: makes them when the backlog is loaded; `isLast`: there is nothing more. */
    end(isLast: boolean): Promise<void>;
    /** When the loop ends: says so if a stop came first. */
    leave(): void;
}

export function createIndexDeferral(run: Run): IndexDeferral {
    const { stream, config, sql, workerId, log } = run;
    const isAsked = config.deferIndexes === true || stream.defersIndexes;
    /** Null: the ledger has to be asked. */
    let areAway: boolean | null = null;
    /** How often it may still be tried in this backlog. */
    let attempts = mostAttempts;
    let hasSaidMaking = false;
    /** Known to be away, and not made again. */
    let isLeft = false;
    const table = stream.table.replace(/^public\./, "");
    const keep = (why: string) =>
        log.warn(`The indexes of ${table} are not deferred: ${why}. The ingest loads with them.`, {
            event: "indexes_kept",
        });

    async function defer(): Promise<void> {
        attempts -= 1;
        areAway = null;
        try {
            const names = await withoutMerges(run, () => deferIndexes(sql, stream.id, workerId));
            await passFaultPoint("after-defer");
            areAway = true;
            isLeft = true;
            log.warn(
                `${formatCount(names.length, "index", "indexes")} of ${table} deferred until the backlog is loaded: ${names.join(", ")}. Queries that use them are slow until then.`,
                { event: "indexes_deferred", indexes: names.length },
            );
        } catch (error) {
            const state = sqlStateOf(error);
            if (state !== sqlStates.lockNotAvailable && mayPass(error)) throw error;
            areAway = false;
            if (state !== sqlStates.lockNotAvailable) attempts = 0;
            keep(describeFault(error)!);
        }
    }

    return {
        async begin() {
            areAway ??= (await readDeferredIndexes(sql, stream.id)).length > 0;
            isLeft = areAway;
            if (areAway && !isAsked) await makeAll();
            if (areAway || attempts === 0) return;
            const situation = await examineIndexes(sql, stream.id);
            if (situation === null) return;
            const choice = choose(situation, isAsked);
            if (choice === "defer") return await defer();
            if (choice === "propose") log.info(propose(table, situation), { event: "indexes_proposed" });
            if (choice === "obstacle") keep(situation.obstacle!);
            // Proposed, or refused, once.
            attempts = isAsked && choice === null ? mostAttempts : 0;
        },
        async end(isLast) {
            if (areAway === false) return;
            const situation = isLast ? null : await examineIndexes(sql, stream.id);
            if (situation !== null && !isLoaded(situation)) return;
            await makeAll();
        },
        leave() {
            if (!isLeft) return;
            log.warn(`Indexes of ${table} stay deferred: the next ingest of it makes them.`, { event: "indexes_left" });
        },
    };

    async function makeAll(): Promise<void> {
        areAway = null;
        const indexes = await readDeferredIndexes(sql, stream.id);
        if (indexes.length > 0 && !hasSaidMaking) {
            hasSaidMaking = true;
            const names = indexes.map(({ index }) => index).join(", ");
            log.info(`Making ${formatCount(indexes.length, "index", "indexes")} of ${table} again: ${names}.`, {
                event: "indexes_begun",
                indexes: indexes.length,
            });
        }
        isLeft = indexes.length > 0;
        if (isLeft) await withoutMerges(run, () => makeIndexes(run, indexes));
        isLeft = isLeft && run.signal.aborted;
        hasSaidMaking = false;
        // Those that could not be made are for the next run.
        areAway = false;
        attempts = mostAttempts;
    }
}

export type Choice = "defer" | "propose" | "obstacle";

/** Null: it would not help. */
export function choose(
    { unreadBytes, tableBytes, deferrable, obstacle }: IndexSituation,
    isAsked: boolean,
): Choice | null {
    if (deferrable.length === 0 && obstacle === null) return null;
    const least = isAsked ? leastBacklogBytes : worthProposingBytes;
    if (unreadBytes < least || unreadBytes <= tableBytes) return null;
    if (!isAsked) return obstacle === null ? "propose" : null;
    return obstacle === null ? "defer" : "obstacle";
}

const isLoaded = ({ unreadBytes, stagedRecords }: IndexSituation) =>
    unreadBytes < leastBacklogBytes && stagedRecords < fewRecords;

const propose = (table: string, { unreadBytes, deferrable }: IndexSituation) =>
    `${formatBytes(unreadBytes)} wait for ${table}, and ${formatCount(deferrable.length, "index", "indexes")} may take most of the time. With --defer-indexes they are dropped, and made again when all is loaded.`;

/** The merges of this process would wait for the table's lock, each with a connection. Those of others do. */
async function withoutMerges<Result>(run: Run, step: () => Promise<Result>): Promise<Result> {
    run.areMergesHeld = true;
    try {
        while (run.tally.merging > 0 && !run.signal.aborted) await sleep(20, run.signal);
        return await step();
    } finally {
        run.areMergesHeld = false;
        run.staged.give();
    }
}

/** Not what the table, its rows or its rights are to blame for. */
function mayPass(error: unknown): boolean {
    const state = sqlStateOf(error);
    if (state === null || state === sluiceStates.loadFenced) return true;
    const meaning = meaningOf(error);
    return meaning !== null && meaning !== "data" && meaning !== "schema";
}

/** Two at a time. Throws what a later attempt may get over; what the table's rows do not allow is noted. */
async function makeIndexes(run: Run, indexes: readonly DeferredIndex[]): Promise<void> {
    const { stream, turns, signal } = run;
    const waiting = [...indexes];
    const over = new AbortController();
    const saying = sayProgress(run, over.signal);
    const makeOnes = async () => {
        for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
            const turn = await turns.take(stream.id);
            try {
                await makeOne(run, turn.sql, next);
            } finally {
                turn.end();
            }
            await passFaultPoint("between-indexes");
        }
    };
    const atOnce = Math.min(mostAtOnce, turns.shareOf(stream.id));
    const ends = await Promise.allSettled(Array.from({ length: atOnce }, makeOnes));
    over.abort();
    await saying;
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
}

async function makeOne({ sql, log, signal }: Run, own: Run["sql"], { id, index }: DeferredIndex): Promise<void> {
    const begunAt = performance.now();
    try {
        const outcome = await makeIndex(own, id);
        const durationMs = Math.round(performance.now() - begunAt);
        if (outcome === "taken") {
            const what = `The index ${index} was not made again: something else has its name. \`${commandHere("doctor")}\` has the remedy.`;
            log.error(what, { event: "index_failed" });
        } else {
            log.info(`${index}: made in ${formatDuration(durationMs)}.`, { event: "index_made", durationMs });
        }
    } catch (error) {
        if (mayPass(error) || signal.aborted) throw error;
        const isOfRows = meaningOf(error) === "data";
        const problem = `${describeFault(error)}${isOfRows ? ": the table has a row that it does not take" : ""}`;
        await noteIndexProblem(sql, id, problem);
        log.error(`The index ${index} could not be made again: ${problem}. Correct that, and run the ingest again.`, {
            event: "index_failed",
            code: sqlStateOf(error) ?? undefined,
        });
    }
}

async function sayProgress({ sql, stream, log }: Run, isOver: AbortSignal): Promise<void> {
    while (true) {
        await sleep(sayEveryMs, isOver);
        if (isOver.aborted) return;
        const indexes = await readDeferredIndexes(sql, stream.id).catch(() => []);
        const made = indexes.filter(({ isBeingMade }) => isBeingMade);
        if (made.length === 0) continue;
        const parts = made.map(({ index, phase, percent }) => `${index} ${phase ?? ""} ${percent ?? 0} %`);
        log.info(`Making indexes: ${parts.join(", ")}; ${indexes.length - made.length} wait.`, {
            event: "indexes_progress",
            indexes: indexes.length,
        });
    }
}
