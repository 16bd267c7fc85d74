/** How an ingest shares out the connections that it can have: fewer than it would like where there are fewer. */
import { connect, type Sql } from "../../database/connect.ts";
import { type ConnectionRoom, readConnectionRoom } from "../../database/connection-room.ts";
import { explainConnectFailure } from "../../database/explain-connect-failure.ts";
import { meaningOf } from "../../database/sql-states.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { sleep } from "../outage/sleep.ts";
import type { IngestOptions } from "./run-ingest.ts";

export interface ConnectionPlan {
    /** For all but those that copy and the one that says that the workers live. */
    poolConnections: number;
    /** Of which each copies for one stream at a time. */
    copyConnections: number;
    mergeWorkers: number;
    /** Merges at once, however many streams want one. The rest of the pool is for what is short: it must not wait for them. */
    mostMerges: number;
    /** Fewer than it would like. */
    isReduced: boolean;
}

/** One that copies, one that says that the worker lives, one for all else. */
export const leastConnections = 3;
/** For status, doctor and the API beside it. */
const spareConnections = 2;

/** From so many busy streams on they take turns: more at once would be no faster, and connections are the server's memory. */
const mostExtraMerges = 6;
const mostCopies = 4;
const mostShort = 4;

const mergesFor = (mergeWorkers: number, streams: number) => mergeWorkers + Math.min(streams - 1, mostExtraMerges);
const copiesFor = (streams: number, besides: number) => Math.min(streams + besides, mostCopies);
const shortFor = (streams: number) => Math.min(streams + 1, mostShort);

/** How many connections an ingest opens at the most when nothing limits it: each when it is needed. */
function wantedConnections(mergeWorkers: number, streams: number, besides: number): number {
    return mergesFor(mergeWorkers, streams) + shortFor(streams) + copiesFor(streams, besides) + 1;
}

/**
 * One stream alone may have `mergeWorkers` merges at work; with several each may have one in any case.
 * @throws SluiceError too_many_connections below the least.
 */
export function planConnections(
    { free, limit }: ConnectionRoom,
    mergeWorkers: number,
    streams = 1,
    /** For direct loads, one of which goes on beside another. */
    besides = 0,
): ConnectionPlan {
    const wanted = wantedConnections(mergeWorkers, streams, besides);
    if (free === null || free >= wanted + spareConnections) {
        return share(wanted, mergeWorkers, streams, besides, false);
    }
    if (free < leastConnections) {
        throw new SluiceError({
            code: "too_many_connections",
            what: `An ingest needs ${leastConnections} connections, and can have ${free}: ${limit}.`,
            remedy: `Raise that limit by at least ${leastConnections - free}, or end sessions that are not needed (pg_stat_activity lists them).`,
            setting: "databaseUrl",
            exitCode: exitCodes.databaseUnreachable,
        });
    }
    const connections = Math.min(wanted, Math.max(leastConnections, free - spareConnections));
    return share(connections, mergeWorkers, streams, besides, connections < wanted);
}

function share(
    connections: number,
    mergeWorkers: number,
    streams: number,
    besides: number,
    isReduced: boolean,
): ConnectionPlan {
    const copyConnections = Math.max(1, Math.min(copiesFor(streams, besides), Math.floor((connections - 1) / 3)));
    const poolConnections = connections - 1 - copyConnections;
    const short = Math.min(shortFor(streams), Math.floor((poolConnections + 1) / 3));
    const mostMerges = Math.max(1, Math.min(mergesFor(mergeWorkers, streams), poolConnections - short));
    return {
        poolConnections,
        copyConnections,
        mergeWorkers: Math.min(mergeWorkers, mostMerges),
        mostMerges,
        isReduced,
    };
}

type Asking = Pick<IngestOptions, "target" | "streams" | "config" | "log" | "signal">;

/** The arguments of planConnections behind the room. */
function wishOf({ config, streams }: Pick<Asking, "config" | "streams">): [number, number, number] {
    const mayLoadBeside = config.mergeWorkers > 1 && streams.some(({ direct }) => direct !== null);
    return [config.mergeWorkers, streams.length, mayLoadBeside ? 1 : 0];
}

/**
 * Asks the database, and says when there are fewer than wanted. One that is away is left to the run, which waits for it.
 * @throws SluiceError too_many_connections
 */
export async function planIngest({ target, streams, config, log }: Asking): Promise<ConnectionPlan> {
    const wish = wishOf({ streams, config });
    const sql = connect(target, { applicationName: "sluice plan", max: 1, connectTimeoutSeconds: 3 });
    try {
        const room = await readConnectionRoom(sql);
        const plan = planConnections(room, ...wish);
        if (plan.isReduced) {
            log.warn(
                `The ingest works with ${connectionsOf(plan)} connections of ` +
                    `${wantedConnections(...wish)} and ${plan.mergeWorkers} merge worker(s)` +
                    `${streams.length > 1 ? `, in turns for ${streams.length} streams` : ""}: ${room.limit}. ` +
                    "Raise that limit, or set --merge-workers lower.",
                { event: "fewer_connections", connections: connectionsOf(plan) },
            );
        }
        return plan;
    } catch (error) {
        if (meaningOf(error) === "crowded") throw explainConnectFailure(target, error);
        if (error instanceof SluiceError) throw error;
        return planConnections({ free: null, limit: "" }, ...wish);
    } finally {
        await sql.end({ timeout: 1 });
    }
}

/** Whether a run would get more than this if it began again. `own`: how the names of the connections that it has begin. */
export async function canGrow(
    sql: Sql,
    plan: ConnectionPlan,
    asked: Pick<IngestOptions, "config" | "streams">,
    own: string,
): Promise<boolean> {
    const room = await readConnectionRoom(sql, own);
    return connectionsOf(planConnections(room, ...wishOf(asked))) > connectionsOf(plan);
}

const connectionsOf = ({ poolConnections, copyConnections }: ConnectionPlan) => poolConnections + copyConnections + 1;

const askAgainMs = 5_000;

/** For a run that is under way: waits until there are enough, and says so once. `onAttempt` is called at each question. */
export async function planIngestAgain(asking: Asking & { onAttempt(): void }): Promise<ConnectionPlan> {
    const signal = asking.signal ?? new AbortController().signal;
    let hasSaid = false;
    while (!signal.aborted) {
        asking.onAttempt();
        try {
            return await planIngest(asking);
        } catch (error) {
            if (!(error instanceof SluiceError)) throw error;
            if (!hasSaid)
                asking.log.warn(`${error.message} Waiting for it.`, { event: "database_busy", code: error.code });
            hasSaid = true;
            await sleep(askAgainMs, signal);
        }
    }
    return planConnections({ free: null, limit: "" }, 1, asking.streams.length);
}
