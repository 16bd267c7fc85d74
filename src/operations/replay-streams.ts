/** Replays the rejects of several streams, in turns. A stream whose table is not as it was does not keep the others. */

import type { Sql } from "../database/connect.ts";
import { describeFault } from "../database/describe-fault.ts";
import { meaningOf } from "../database/sql-states.ts";
import { noRecords } from "../terminal/record-counts.ts";
import { type ReplayBatch, type ReplayRequest, type ReplaySummary, runReplay } from "./run-replay.ts";
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

const none = { ...noRecords(), displaced: 0, refused: 0 };

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
                const empty = { dryRun: request.dryRun === true, batches: 0, ...none, unchanged: 0, unsplittable: 0 };
                return { stream: name, problem, ...empty };
            },
        );
        replays.push(await replay);
    }
    const total = addUp(replays, request.dryRun === true);
    return replays.length > 1 ? { ...total, streams: replays } : total;
}

function addUp(replays: readonly StreamReplay[], dryRun: boolean): ReplaySummary {
    const total = { dryRun, batches: 0, ...none, unchanged: 0, unsplittable: 0 };
    const counts = Object.keys(total).filter((name) => name !== "dryRun") as Exclude<keyof typeof total, "dryRun">[];
    for (const replay of replays) for (const name of counts) total[name] += replay[name];
    return total;
}
