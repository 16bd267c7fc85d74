/** Replays the rejects of several streams, in turns. A stream whose table is not as it was does not keep the others. */
import type { Sql } from "../database/connect.ts";
import { describeFault } from "../database/describe-fault.ts";
import { meaningOf } from "../database/sql-states.ts";
import {
    addReasons,
    emptySummary,
    type ReplayBatch,
    type ReplayRequest,
    type ReplaySummary,
    runReplay,
} from "./run-replay.ts";
import type { KnownStream } from "./streams/read-streams.ts";

export interface StreamReplay extends ReplaySummary {
    stream: string;
    /** Why nothing more of it could be replayed. */
    problem: string | null;
}

export interface ReplaysSummary extends ReplaySummary {
    /** When there is more than one; above are their sums. */
    streams?: StreamReplay[];
}

export interface ReplayListener {
    onBatch?: (batch: ReplayBatch, stream: string) => void;
    onLook?: (looked: number, total: number) => void;
}

const mostSamples = 5;

/** @throws what the database throws; with one stream also what is wrong with its table. */
export async function replayStreams(
    sql: Sql,
    streams: readonly Pick<KnownStream, "streamId" | "name">[],
    request: Omit<ReplayRequest, "streamId">,
    { onBatch, onLook }: ReplayListener = {},
): Promise<ReplaysSummary> {
    const replays: StreamReplay[] = [];
    for (const { streamId, name } of streams) {
        const listen = (batch: ReplayBatch) => onBatch?.(batch, name);
        const replay = runReplay(sql, { ...request, streamId }, listen, onLook).then(
            (summary) => ({ stream: name, problem: null, ...summary }),
            (error: unknown) => {
                if (streams.length === 1 || meaningOf(error) !== "schema") throw error;
                const problem = describeFault(error) ?? String(error);
                return { stream: name, problem, ...emptySummary(request.dryRun === true) };
            },
        );
        replays.push(await replay);
    }
    const total = addUp(replays, request.dryRun === true);
    return replays.length > 1 ? { ...total, streams: replays } : total;
}

function addUp(replays: readonly StreamReplay[], dryRun: boolean): ReplaySummary {
    const total = emptySummary(dryRun);
    const counts = Object.keys(total).filter(
        (name): name is CountName => typeof total[name as keyof ReplaySummary] === "number",
    );
    for (const replay of replays) {
        for (const name of counts) total[name] += replay[name];
        total.remaining = addReasons(total.remaining, replay.remaining);
        total.samples = [...total.samples, ...replay.samples].slice(0, mostSamples);
    }
    return total;
}

type CountName = Exclude<keyof ReplaySummary, "dryRun" | "remaining" | "samples">;
