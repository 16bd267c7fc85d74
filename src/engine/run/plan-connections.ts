/** How an ingest shares out the connections that it can have: fewer than it would like where there are fewer. */
import { connect, type Sql } from "../../database/connect.ts";
import { type ConnectionRoom, readConnectionRoom } from "../../database/connection-room.ts";
import { explainConnectFailure } from "../../database/open-database.ts";
import { meaningOf } from "../../database/sql-states.ts";
import { exitCodes, SluiceError } from "../../errors.ts";
import { sleep } from "../outage/sleep.ts";
import type { IngestOptions } from "./run-ingest.ts";

export interface ConnectionPlan {
    /** For all but these two: the one that copies, and the one that says that the worker lives. */
    poolConnections: number;
    mergeWorkers: number;
    /** Fewer than it would like. */
    isReduced: boolean;
}

/** One that copies, one that says that the worker lives, one for all else. */
export const leastConnections = 3;
/** For status, doctor and the API beside it. */
const spareConnections = 2;

/** How many connections an ingest opens when nothing limits it. */
function wantedConnections(mergeWorkers: number): number {
    return mergeWorkers + 4;
}

/** @throws SluiceError too_many_connections below the least. */
export function planConnections({ free, limit }: ConnectionRoom, mergeWorkers: number): ConnectionPlan {
    const wanted = wantedConnections(mergeWorkers);
    if (free === null || free >= wanted + spareConnections) {
        return { poolConnections: wanted - 2, mergeWorkers, isReduced: false };
    }
    if (free < leastConnections) {
        throw new SluiceError({
            code: "too_many_connections",
            what: `An ingest needs ${leastConnections} connections, and can have ${free}: ${limit}.`,
            remedy: `Raise that limit by ${leastConnections - free} at least, or end sessions that nobody needs (pg_stat_activity lists them).`,
            setting: "databaseUrl",
            exitCode: exitCodes.databaseUnreachable,
        });
    }
    const connections = Math.min(wanted, Math.max(leastConnections, free - spareConnections));
    const poolConnections = connections - 2;
    return {
        poolConnections,
        mergeWorkers: Math.max(1, Math.min(mergeWorkers, poolConnections - 1)),
        isReduced: connections < wanted,
    };
}

type Asking = Pick<IngestOptions, "target" | "config" | "log" | "signal">;

/**
 * Asks the database, and says when there are fewer than wanted. One that is away is left to the run, which waits for it.
 * @throws SluiceError too_many_connections
 */
export async function planIngest({ target, config, log }: Asking): Promise<ConnectionPlan> {
    const sql = connect(target, { applicationName: "sluice plan", max: 1, connectTimeoutSeconds: 3 });
    try {
        const room = await readConnectionRoom(sql);
        const plan = planConnections(room, config.mergeWorkers);
        if (plan.isReduced) {
            log.warn(
                `The ingest works with ${plan.poolConnections + 2} connections of ${wantedConnections(config.mergeWorkers)} and ` +
                    `${plan.mergeWorkers} merge worker(s): ${room.limit}. Raise that limit, or set --merge-workers lower.`,
                { event: "fewer_connections", connections: plan.poolConnections + 2 },
            );
        }
        return plan;
    } catch (error) {
        if (meaningOf(error) === "crowded") throw explainConnectFailure(target, error);
        if (error instanceof SluiceError) throw error;
        return planConnections({ free: null, limit: "" }, config.mergeWorkers);
    } finally {
        await sql.end({ timeout: 1 });
    }
}

/** Whether a run would get more than this if it began again. `own`: how the names of the connections that it has begin. */
export async function canGrow(sql: Sql, plan: ConnectionPlan, mergeWorkers: number, own: string): Promise<boolean> {
    const room = await readConnectionRoom(sql, own);
    return planConnections(room, mergeWorkers).poolConnections > plan.poolConnections;
}

const askAgainMs = 5_000;

/** For a run that is under way: waits until there are enough, and says so once. */
export async function planIngestAgain(asking: Asking): Promise<ConnectionPlan> {
    const signal = asking.signal ?? new AbortController().signal;
    let hasSaid = false;
    while (!signal.aborted) {
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
    return planConnections({ free: null, limit: "" }, 1);
}
