/** Rejects, newest first, and their reasons counted. */
import { z } from "@hono/zod-openapi";
import { and, desc, eq, isNotNull, isNull, lt, type SQL, sql } from "drizzle-orm";
import { chunks, files, rejectKinds, rejectResolutions, rejectStats, rejects } from "../../../database/schema.ts";
import { refusalSchema } from "../../../operations/refusal-schema.ts";
import { besideSchema, type RejectBeside } from "../../../operations/rejects/field-schema.ts";
import { conditionsOf, type RejectFilter } from "../../../operations/rejects/reject-filter.ts";
import type { Database } from "../reader.ts";
import {
    countSchema,
    idSchema,
    instantSchema,
    isoInstant,
    isoInstantOrNull,
    splitColumns,
    streamNameIn,
} from "../shapes.ts";

/** A record may be 1 MiB, a page holds 200: what is longer is cut to a beginning. */
const recordFits = sql`octet_length(${rejects.record}::text) <= 8192`;
const text = sql`coalesce(${rejects.rawText}, case when not (${recordFits}) then ${rejects.record}::text end)`;
const maxTextCharacters = 2000;

const { shape, fields } = splitColumns({
    rejectId: [idSchema, rejects.rejectId],
    stream: [z.string(), streamNameIn("rejects")],
    kind: [z.enum(rejectKinds), rejects.kind],
    reasons: [z.array(z.string()), rejects.reasons],
    fileId: [idSchema.nullable(), files.fileId],
    path: [z.string().nullable(), files.path],
    recordNo: [countSchema, rejects.recordNo],
    lineNo: [countSchema.nullable(), rejects.lineNo],
    byteOffset: [countSchema.nullable(), rejects.byteOffset],
    chunkId: [idSchema, rejects.chunkId],
    batchId: [idSchema, rejects.batchId],
    record: [
        z.record(z.string(), z.string().nullable()).nullable().openapi({
            description: "The raw values by column; null if the record could not be split, or is over 8 KiB.",
        }),
        sql<Record<string, string | null> | null>`case when ${recordFits} then ${rejects.record} end`,
    ],
    rawText: [
        z.string().nullable().openapi({
            description: "The beginning of the raw text, if `record` is null. Untrusted: escape it.",
        }),
        sql<string | null>`left(${text}, ${maxTextCharacters})`,
    ],
    refusal: [refusalSchema.nullable(), rejects.refusal],
    truncated: [
        z.boolean(),
        sql<boolean>`(not (${recordFits})) is true or (length(${text}) > ${maxTextCharacters}) is true`,
    ],
    rejectedAt: [instantSchema, isoInstant(rejects.rejectedAt)],
    editedAt: [
        instantSchema.nullable().openapi({ description: "When its record was edited for a replay." }),
        isoInstantOrNull(rejects.editedAt),
    ],
    resolution: [
        z.enum(rejectResolutions).nullable().openapi({
            description: "The result of a replay; null if open. conflict and rejected: it is another reject now.",
        }),
        rejects.resolution,
    ],
    resolvedByBatch: [idSchema.nullable(), rejects.resolvedByBatch],
    resolvedAt: [instantSchema.nullable(), isoInstantOrNull(rejects.resolvedAt)],
});

export const rejectSchema = z.object(shape).openapi("Reject");
export type Reject = z.infer<typeof rejectSchema>;

export interface RejectsQuery extends RejectFilter {
    limit: number;
    before?: number | undefined;
    /** Whether a replay has resolved it. */
    open?: boolean | undefined;
}

function selectFields(db: Database) {
    return db
        .select(fields)
        .from(rejects)
        .leftJoin(chunks, eq(chunks.chunkId, rejects.chunkId))
        .leftJoin(files, eq(files.fileId, chunks.fileId));
}

export const rejectDetailSchema = z
    .object({
        ...shape,
        originalRecord: z
            .record(z.string(), z.string().nullable())
            .nullable()
            .openapi({ description: "The values before the first edit; null without an edit, or over 8 KiB." }),
        beside: besideSchema,
    })
    .openapi("RejectDetail");
export type RejectDetail = z.infer<typeof rejectDetailSchema>;

/** One statement, one snapshot. */
export async function readReject(db: Database, rejectId: number): Promise<RejectDetail | undefined> {
    const [row] = await db
        .select({
            ...fields,
            originalRecord: sql<Record<string, string | null> | null>`case
                when octet_length(${rejects.originalRecord}::text) <= 8192 then ${rejects.originalRecord}
            end`,
            beside: sql<RejectBeside>`ingest.describe_reject(${rejects.rejectId})`,
        })
        .from(rejects)
        .leftJoin(chunks, eq(chunks.chunkId, rejects.chunkId))
        .leftJoin(files, eq(files.fileId, chunks.fileId))
        .where(eq(rejects.rejectId, rejectId));
    return row;
}

/** One row more than `limit`. */
export function selectRejects(db: Database, query: RejectsQuery) {
    return selectFields(db)
        .where(and(...conditions(query)))
        .orderBy(desc(rejects.rejectId))
        .limit(query.limit + 1);
}

function conditions(query: RejectsQuery): (SQL | undefined)[] {
    const { before, open, streamId } = query;
    return [
        before === undefined ? undefined : lt(rejects.rejectId, before),
        open === undefined ? undefined : open ? isNull(rejects.resolvedByBatch) : isNotNull(rejects.resolvedByBatch),
        // The newest one of the stream may be long ago: the walk through all rejects begins there.
        streamId === undefined
            ? undefined
            : sql`${rejects.rejectId} <= (
                select max(reject_stats.last_reject_id) from ingest.reject_stats where reject_stats.stream_id = ${streamId}
            )`,
        ...conditionsOf(query),
    ];
}

const openSchema = countSchema.openapi({ description: "Those that no replay has resolved." });

export const rejectSummarySchema = z
    .object({
        asOf: instantSchema,
        kinds: z.array(z.object({ kind: z.enum(rejectKinds), records: countSchema, open: openSchema })),
        reasons: z
            .array(
                z.object({
                    kind: z.enum(rejectKinds),
                    reason: z.string(),
                    records: countSchema,
                    open: openSchema,
                    firstRejectedAt: instantSchema,
                    lastRejectedAt: instantSchema,
                    lastRejectId: idSchema,
                }),
            )
            .openapi({ description: "Most frequent first. A record counts once for each of its reasons." }),
    })
    .openapi("RejectSummary");
export type RejectSummary = z.infer<typeof rejectSummarySchema>;

/** One statement, one snapshot, from the rollup. */
export async function readRejectSummary(db: Database, streamId?: number): Promise<RejectSummary> {
    const [row] = await db.execute<Record<string, unknown> & RejectSummary>(sql`
        with counted_reasons as (
            select
                ${rejectStats.kind} as kind,
                ${rejectStats.reason} as reason,
                sum(${rejectStats.rejects}) as records,
                sum(${rejectStats.rejects} - ${rejectStats.resolved}) as open,
                min(${rejectStats.firstRejectedAt}) as first_rejected_at,
                max(${rejectStats.lastRejectedAt}) as last_rejected_at,
                max(${rejectStats.lastRejectId}) as last_reject_id
            from ${rejectStats}
            ${streamId === undefined ? sql`` : sql`where ${rejectStats.streamId} = ${streamId}`}
            group by ${rejectStats.kind}, ${rejectStats.reason}
            having sum(${rejectStats.rejects}) > 0
        )
        select
            ${isoInstant(sql`statement_timestamp()`)} as "asOf",
            (
                select coalesce(
                    json_agg(json_build_object('kind', kind, 'records', records, 'open', open) order by kind),
                    '[]'
                )
                from counted_reasons
                where reason = ''
            ) as "kinds",
            (
                select coalesce(
                    json_agg(
                        json_build_object(
                            'kind', kind,
                            'reason', reason,
                            'records', records,
                            'open', open,
                            'firstRejectedAt', ${isoInstant(sql`first_rejected_at`)},
                            'lastRejectedAt', ${isoInstant(sql`last_rejected_at`)},
                            'lastRejectId', last_reject_id
                        )
                        order by records desc, kind, reason
                    ),
                    '[]'
                )
                from counted_reasons
                where reason <> ''
            ) as "reasons"
    `);
    return row!;
}
