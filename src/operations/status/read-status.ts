/**
 * The status of `bun run status` and `GET /v1/status`: committed facts of one moment on the database's clock, in one
 * read-only statement (sql/stats/read_status.sql). It takes the same time however large the tables are.
 */
import readStatusQuery from "../../../sql/stats/read_status.sql" with { type: "text" };
import type { Sql } from "../../database/connect.ts";
import { describeState } from "./describe-state.ts";
import { describeStream, describeTogether, factsOfWorking, type StreamFacts } from "./describe-streams.ts";
import { arrivalWindowSeconds, type LargeMerge, measurePace, type Pace, tellingMerges } from "./measure-pace.ts";
import { roundTo } from "./round-to.ts";
import type { Status } from "./status-schema.ts";

interface StatusFacts
    extends Omit<Status, "state" | "tone" | "verdict" | "freshness" | "arrival" | "capacity" | "backlog" | "streams"> {
    backlog: Omit<Status["backlog"], "records" | "seconds"> & { newUnreadBytes: number };
    arrivals: { stagedRecords: number; stagedRecordsOfNewFiles: number; bytesPerRecord: number | null };
    largestMerges: LargeMerge[];
    merged: { records: number; p50Seconds: number | null; p95Seconds: number | null };
    lastMergeAt: string | null;
    lastStagedAt: string | null;
    streams: StreamFacts[];
}

const freshnessWindowSeconds = 300;

/**
 * Reads the status of one stream, or of all; throws what postgres.js throws if the database is unreachable or the schema
 * is not there.
 */
export async function readStatus(sql: Sql, streamId: number | null = null): Promise<Status> {
    // As text, since drizzle switches off the JSON parser of the client it is given.
    const [answer] = await sql.unsafe<[{ status: string }]>(readStatusQuery, [streamId]);
    return describeFacts(JSON.parse(answer.status, withIsoInstants));
}

/** Postgres writes instants with microseconds and an offset. */
function withIsoInstants(key: string, value: unknown): unknown {
    const isInstant = typeof value === "string" && /^(asOf|since)$|(At|Since|Until)$/.test(key);
    return isInstant ? new Date(value).toISOString() : value;
}

function describeFacts(all: StatusFacts): Status {
    const { backlog, arrivals, largestMerges, merged, lastMergeAt, lastStagedAt, streams: _, ...facts } = all;
    const pace = measurePace({ backlog, arrivals, largestMerges });
    // With nobody paused these are all: by the lists of all, which are longer than those by stream.
    const isPaused = all.streams.some(({ pausedAt }) => pausedAt !== null);
    const working = isPaused ? { ...all, ...factsOfWorking(all.streams) } : all;
    const { newUnreadBytes: __, ...known } = backlog;
    const streams = all.streams.map((stream) => describeStream(stream, facts));
    return {
        ...describeTogether(streams, describeState({ ...working, pace: measurePace(working) })),
        ...facts,
        streams,
        backlog: { ...known, records: pace.waitingRecords, seconds: roundTo(pace.drainSeconds, 1) },
        arrival: { recordsPerSecond: roundTo(pace.arrivalPerSecond, 1), windowSeconds: arrivalWindowSeconds },
        capacity: measuredCapacity(pace, largestMerges),
        freshness: {
            ...measureFreshness(facts),
            p50Seconds: roundTo(merged.p50Seconds, 3),
            p95Seconds: roundTo(merged.p95Seconds, 3),
            windowSeconds: freshnessWindowSeconds,
            records: merged.records,
        },
    };
}

function measuredCapacity({ capacityPerSecond }: Pace, merges: LargeMerge[]): Status["capacity"] {
    const ends = tellingMerges(merges)
        .map(({ finishedAt }) => finishedAt)
        .sort();
    return {
        recordsPerSecond: capacityPerSecond === null ? null : Math.round(capacityPerSecond),
        asOf: ends.at(-1) ?? null,
    };
}

type MergeAges = Pick<Status["freshness"], "lastMergedAt" | "secondsSinceLastMerge" | "lastBatchLagSeconds">;

function measureFreshness({ asOf, lastBatch }: Pick<StatusFacts, "asOf" | "lastBatch">): MergeAges {
    if (!lastBatch) return { lastMergedAt: null, secondsSinceLastMerge: null, lastBatchLagSeconds: null };
    const { finishedAt, oldestStagedAt } = lastBatch;
    return {
        lastMergedAt: finishedAt,
        secondsSinceLastMerge: Math.max(0, secondsBetween(finishedAt, asOf)),
        lastBatchLagSeconds: oldestStagedAt === null ? null : secondsBetween(oldestStagedAt, finishedAt),
    };
}

function secondsBetween(earlier: string, later: string): number {
    return (Date.parse(later) - Date.parse(earlier)) / 1000;
}
