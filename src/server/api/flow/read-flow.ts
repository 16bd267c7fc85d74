/** Records that arrived and records that were committed, in even steps up to now. By the time at which it happened, not by event time. */

import { z } from "@hono/zod-openapi";
import { type AnyColumn, type SQL, sql } from "drizzle-orm";
import { batches, chunkMerges, chunks } from "../../../database/schema.ts";
import { countNames, type RecordCounts } from "../../../terminal/record-counts.ts";
import { Problem } from "../problem.ts";
import type { Database } from "../reader.ts";
import {
    countSchema,
    type InstantRange,
    instantSchema,
    isoInstant,
    isoInstantOrNull,
    recordCounts,
} from "../shapes.ts";

/** How many steps of how many seconds; a page asks for the next answer no sooner than `sharedMs` later. */
export const flowWindows = {
    "5m": { steps: 60, stepSeconds: 5, sharedMs: 900 },
    "1h": { steps: 120, stepSeconds: 30, sharedMs: 5000 },
    "24h": { steps: 144, stepSeconds: 600, sharedMs: 30_000 },
    "7d": { steps: 168, stepSeconds: 3600, sharedMs: 60_000 },
} as const;

export type FlowWindow = keyof typeof flowWindows;

/** The steps that are read: of a window up to now, or from one instant to another. */
export interface FlowSpan {
    window: FlowWindow | null;
    steps: number;
    stepSeconds: number;
    sharedMs: number;
    from?: string;
    to?: string | undefined;
}

const stepChoices = [5, 10, 30, 60, 300, 600, 1800, 3600, 6 * 3600, 86_400];
const mostSteps = 150;

/** @throws Problem invalid_parameter, range_too_wide */
export function spanOfRange({ from, to }: InstantRange, nowMs: number): FlowSpan {
    const endMs = to === undefined ? nowMs : Math.min(nowMs, Date.parse(to));
    if (from === undefined || Date.parse(from) >= endMs) {
        throw new Problem("invalid_parameter", "A range needs a `from` in the past.", { parameter: "from" });
    }
    const seconds = (endMs - Date.parse(from)) / 1000;
    const stepSeconds = stepChoices.find((choice) => seconds <= choice * mostSteps);
    if (stepSeconds === undefined) {
        const detail = `The limit is ${mostSteps} days. Use a later \`from\` or an earlier \`to\`.`;
        throw new Problem("range_too_wide", detail, { parameter: "from" });
    }
    // Its first step begins before `from`.
    const steps = Math.ceil(seconds / stepSeconds) + 1;
    return { window: null, steps, stepSeconds, sharedMs: Math.min(60_000, 180 * stepSeconds), from, to };
}

export const windowSchema = z.enum(Object.keys(flowWindows) as [FlowWindow, ...FlowWindow[]]);
const millisecondsSchema = z.number().nonnegative();

export const flowSchema = z
    .object({
        asOf: instantSchema,
        window: windowSchema.nullable().openapi({ description: "Null for a range." }),
        stepSeconds: z.number().int().positive(),
        since: instantSchema.nullable().openapi({ description: "The first commit; null if there is none." }),
        stagedRecords: countSchema.nullable().openapi({
            description:
                "Staged and not merged now. Going backwards over the steps gives the backlog at the start of each. Null for a " +
                "range that ended before now.",
        }),
        steps: z.array(
            z.object({
                from: instantSchema,
                seconds: z.number().nonnegative().openapi({ description: "How much of the step has passed." }),
                arrived: countSchema.openapi({ description: "Records staged." }),
                batches: countSchema,
                ...recordCounts,
                meanDurationMs: z.record(z.string(), z.number()).nullable().openapi({
                    description: "Per batch, by phase; null in a step without batches, like the next two.",
                }),
                longestBatchMs: millisecondsSchema.nullable(),
                lagP95Ms: z.number().nullable().openapi({
                    description: "From staging to commit, of each batch's oldest record.",
                }),
            }),
        ),
    })
    .openapi("Flow");
export type Flow = z.infer<typeof flowSchema>;
export type FlowStep = Flow["steps"][number];

/**
 * One statement, one snapshot. Replays are left out: what they read was read before. Batches are entered by their index
 * on finished_at. The numbers of chunks follow staged_at: up to now, walking back from the newest to the first that is too old reads
 * little more than the window, also before a vacuum has told the index on staged_at (BRIN) of them. That one finds an old range.
 */
export async function readFlow(db: Database, span: FlowSpan, streamId?: number): Promise<Flow> {
    const ofStream = (column: AnyColumn) => (streamId === undefined ? sql`` : sql`and ${column} = ${streamId}`);
    const { window, steps, stepSeconds, from, to } = span;
    const step = sql`make_interval(secs => ${stepSeconds}::float8)`;
    const [row] = await db.execute<Omit<Flow, "window" | "stepSeconds">>(sql`
        with bounds as materialized (
            select
                end_at as now_at,
                coalesce(
                    date_bin(${step}, ${from ?? null}::timestamptz, 'epoch'::timestamptz),
                    date_bin(${step}, end_at, 'epoch'::timestamptz) - (${steps - 1}::integer * ${step})
                ) as from_at
            from least(statement_timestamp(), ${to ?? null}::timestamptz) as end_at
        ),
        flow_steps as (
            select step_at, least(step_at + ${step}, bounds.now_at) as end_at
            from bounds
            cross join lateral generate_series(bounds.from_at, bounds.now_at, ${step}) as step_at
        ),
        ${arrivals(step, ofStream(chunks.streamId), to === undefined)},
        ${commits(step, ofStream(batches.streamId))}
        select
            ${isoInstant(sql`(select now_at from bounds)`)} as "asOf",
            ${isoInstantOrNull(sql`(select ${batches.startedAt} from ${batches} where true ${ofStream(batches.streamId)} order by ${batches.batchId} limit 1)`)} as "since",
            (
                select case when bounds.now_at = statement_timestamp() then (${waitingRecords(ofStream(chunks.streamId))}) end
                from bounds
            ) as "stagedRecords",
            (
                select json_agg(
                    json_build_object(
                        'from', ${isoInstant(sql`flow_steps.step_at`)},
                        'seconds', round(extract(epoch from flow_steps.end_at - flow_steps.step_at), 3),
                        'arrived', coalesce(arrivals.records, 0),
                        'batches', coalesce(commits.batches, 0),
                        ${perCount((name) => `'${name}', coalesce(commits.${name}, 0)`)},
                        'meanDurationMs', phases.mean_ms,
                        'longestBatchMs', commits.longest_ms,
                        'lagP95Ms', commits.lag_p95_ms
                    )
                    order by flow_steps.step_at
                )
                from flow_steps
                left join arrivals using (step_at)
                left join commits using (step_at)
                left join phases using (step_at)
            ) as "steps"
    `);
    return { ...row!, window, stepSeconds };
}

/** A chunk whose slices are merged one by one still counts with what is left of it. As a float: JSON has no bigint. */
const waitingRecords = (ofStream: SQL) => sql`
    select coalesce(sum(greatest(${chunks.records} - coalesce(done_merges.read, 0), 0)), 0)::float8
    from ${chunks}
    left join lateral (
        select sum(${chunkMerges.read}) as read
        from ${chunkMerges}
        where ${chunkMerges.chunkId} = ${chunks.chunkId}
    ) as done_merges on true
    where ${chunks.state} in ('staged', 'pending') ${ofStream}
`;

function arrivals(step: SQL, ofStream: SQL, isUpToNow: boolean): SQL {
    const isRecent = sql`and ${chunks.chunkId} >= coalesce(
        (
            select older_chunks.chunk_id
            from ${chunks} as older_chunks
            where older_chunks.staged_at < (select from_at from bounds)
            order by older_chunks.chunk_id desc
            limit 1
        ),
        0
    )`;
    return sql`
        arrivals as (
            select
                date_bin(${step}, ${chunks.stagedAt}, 'epoch'::timestamptz) as step_at,
                sum(${chunks.records}) as records
            from ${chunks}
            where
                ${chunks.stagedAt} >= (select from_at from bounds)
                and ${chunks.stagedAt} <= (select now_at from bounds)
                ${isUpToNow ? isRecent : sql``}
                ${ofStream}
            group by 1
        )
    `;
}

function commits(step: SQL, ofStream: SQL): SQL {
    return sql`
        window_batches as (
            select
                date_bin(${step}, ${batches.finishedAt}, 'epoch'::timestamptz) as step_at,
                ${batches}.*,
                extract(epoch from ${batches.finishedAt} - ${batches.startedAt}) * 1000 as total_ms,
                extract(epoch from ${batches.finishedAt} - ${batches.oldestStagedAt}) * 1000 as lag_ms
            from ${batches}
            where
                ${batches.finishedAt} >= (select from_at from bounds)
                and ${batches.finishedAt} <= (select now_at from bounds)
                and ${batches.kind} = 'merge'
                ${ofStream}
        ),
        commits as (
            select
                step_at,
                count(*) as batches,
                ${perCount((name) => `sum(${name}) as ${name}`)},
                round(max(total_ms), 1) as longest_ms,
                round((percentile_cont(0.95) within group (order by lag_ms))::numeric, 1) as lag_p95_ms
            from window_batches
            group by step_at
        ),
        phase_means as (
            select window_batches.step_at, phase.name, round(avg(phase.ms::numeric), 2) as mean_ms
            from window_batches
            cross join lateral jsonb_each_text(window_batches.duration_ms) as phase (name, ms)
            group by window_batches.step_at, phase.name
        ),
        phases as (
            select step_at, json_object_agg(name, mean_ms) as mean_ms
            from phase_means
            group by step_at
        )
    `;
}

const perCount = (text: (name: keyof RecordCounts) => string) => sql.raw(countNames.map(text).join(", "));
