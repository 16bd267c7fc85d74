/** Files from the ledger, newest first: one row per version of a path. */
import { z } from "@hono/zod-openapi";
import { and, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import { chunkMerges, chunks, type FileState, fileStates, files } from "../../../database/schema.ts";
import { orderOf, type TimedKey } from "../listing.ts";
import type { Database } from "../reader.ts";
import {
    countSchema,
    type InstantRange,
    idSchema,
    instantSchema,
    isoInstant,
    isoInstantOrNull,
    jsonOf,
    recordCounts,
    splitColumns,
    streamNameIn,
    sumOutcomes,
    within,
} from "../shapes.ts";

const { shape, fields } = splitColumns({
    fileId: [idSchema, files.fileId],
    path: [z.string().openapi({ description: "Relative to the watched folder." }), files.path],
    version: [idSchema, files.version],
    stream: [z.string(), streamNameIn("files")],
    state: [z.enum(fileStates), files.state],
    sizeBytes: [countSchema, files.sizeBytes],
    loadedBytes: [countSchema, files.loadedBytes],
    loadedRecords: [countSchema, files.loadedRecords],
    attempts: [countSchema, files.attempts],
    nextAttemptAt: [instantSchema.nullable(), isoInstantOrNull(files.nextAttemptAt)],
    problem: [
        z.string().nullable().openapi({ description: "A stable code, if the file failed or was skipped." }),
        files.problem,
    ],
    problemDetail: [z.string().nullable(), files.problemDetail],
    copyOf: [
        idSchema.nullable().openapi({ description: "The merged file whose content this one repeats." }),
        files.copyOf,
    ],
    isUnmatched: [
        z.boolean().openapi({
            description: "Sources are declared and none fits the file's name, so it was read with the defaults.",
        }),
        files.isUnmatched,
    ],
    discoveredAt: [instantSchema, isoInstant(files.discoveredAt)],
    updatedAt: [instantSchema, isoInstant(files.updatedAt)],
    mergedAt: [instantSchema.nullable(), isoInstantOrNull(files.mergedAt)],
});

export const fileSchema = z.object(shape).openapi("File");
export type SourceFile = z.infer<typeof fileSchema>;

export const fileDetailSchema = fileSchema
    .extend({
        header: z.array(z.string()).nullable(),
        extraColumns: z.array(z.string()).nullable(),
        source: z.string().nullable().openapi({ description: "The `match` of its source." }),
        records: z.object(recordCounts).openapi({ description: "Counts of the records merged so far." }),
        chunks: z.object({
            total: countSchema,
            pending: countSchema,
            staged: countSchema,
            merged: countSchema,
            failed: countSchema,
        }),
        failedChunks: z
            .array(
                z.object({
                    chunkId: idSchema,
                    firstRecordNo: countSchema,
                    records: countSchema,
                    attempts: countSchema,
                    problem: z.string().nullable(),
                    problemDetail: z.string().nullable(),
                }),
            )
            .openapi({ description: "The first 20." }),
    })
    .openapi("FileDetail");
export type FileDetail = z.infer<typeof fileDetailSchema>;

/** The range is of when they were seen. */
export interface FilesQuery extends InstantRange {
    limit: number;
    /** Only those with a lower id. */
    before?: number | undefined;
    /** Only those after this one. */
    after?: TimedKey | undefined;
    state?: FileState | undefined;
    path?: string | undefined;
    contains?: string | undefined;
    streamId?: number | undefined;
}

/** No index finds a part of a path, so a search looks at so many files at a time, newest first. */
const mostSearched = 50_000;

const orderOfFiles = (query: FilesQuery) => orderOf(files.fileId, files.discoveredAt, query);

/** Those that a search would begin with. */
function filesFrom(query: FilesQuery): (SQL | undefined)[] {
    const { before, after } = query;
    return [
        before === undefined ? undefined : lt(files.fileId, before),
        after === undefined ? undefined : orderOfFiles(query).past(after),
        ...within(files.discoveredAt, query),
    ];
}

/** One row more than `limit`. With `contains` it ends where the search does: `searchedUpTo`. */
export async function selectFiles(db: Database, query: FilesQuery) {
    const { limit, state, path, contains, streamId } = query;
    const { by, upTo } = orderOfFiles(query);
    const end = await searchedUpTo(db, query);
    return await db
        .select(fields)
        .from(files)
        .where(
            and(
                ...filesFrom(query),
                end === undefined ? undefined : upTo(end),
                state === undefined ? undefined : eq(files.state, state),
                path === undefined ? undefined : eq(files.path, path),
                contains === undefined ? undefined : sql`strpos(lower(${files.path}), lower(${contains})) > 0`,
                streamId === undefined ? undefined : eq(files.streamId, streamId),
            ),
        )
        .orderBy(...by)
        .limit(limit + 1);
}

/** The last file that a search for a part of a path looks at; undefined when it looks at all. */
export async function searchedUpTo(db: Database, query: FilesQuery): Promise<TimedKey | undefined> {
    if (query.contains === undefined) return undefined;
    // Apart: what is selected is worked out for each row that is passed over.
    const last = db
        .select({ fileId: files.fileId })
        .from(files)
        .where(and(...filesFrom(query)))
        .orderBy(...orderOfFiles(query).by)
        .offset(mostSearched - 1)
        .limit(1);
    const [end] = await db
        .select({ fileId: files.fileId, discoveredAt: isoInstant(files.discoveredAt) })
        .from(files)
        .where(inArray(files.fileId, last));
    return end && [end.fileId, end.discoveredAt];
}

/**
 * The file with its header and what became of its records and chunks so far, in one statement: its state and the
 * counts are of the same moment. Undefined when there is none.
 */
export async function readFile(db: Database, fileId: number): Promise<FileDetail | undefined> {
    const details = {
        header: files.header,
        extraColumns: files.extraColumns,
        source: sql`${files.source} ->> 'match'`,
        records: mergedRecords,
        chunks: chunkCounts,
        failedChunks,
    };
    const [row] = await db.execute<{ file: FileDetail }>(sql`
        select ${jsonOf({ ...fields, ...details })} as file
        from ${files}
        where ${files.fileId} = ${fileId}
    `);
    return row?.file;
}

/** By merges alone: replays judge records again. */
const mergedRecords = sql`(
    select ${jsonOf(sumOutcomes(chunkMerges))}
    from ${chunks}
    join ${chunkMerges} on ${chunkMerges.chunkId} = ${chunks.chunkId} and ${chunkMerges.slices} <> 0
    where ${chunks.fileId} = ${files.fileId}
)`;

const countIn = (state: string) => sql`count(*) filter (where ${chunks.state} = ${state})`;

const chunkCounts = sql`(
    select ${jsonOf({
        total: sql`count(*)`,
        pending: countIn("pending"),
        staged: countIn("staged"),
        merged: countIn("merged"),
        failed: countIn("failed"),
    })}
    from ${chunks}
    where ${chunks.fileId} = ${files.fileId}
)`;

const failedChunks = sql`(
    select coalesce(json_agg(failed_chunks.chunk order by failed_chunks.first_byte), '[]')
    from (
        select
            ${chunks.firstByte} as first_byte,
            ${jsonOf({
                chunkId: chunks.chunkId,
                firstRecordNo: chunks.firstRecordNo,
                records: chunks.records,
                attempts: chunks.attempts,
                problem: chunks.problem,
                problemDetail: chunks.problemDetail,
            })} as chunk
        from ${chunks}
        where ${chunks.fileId} = ${files.fileId} and ${chunks.state} = 'failed'
        order by ${chunks.firstByte}
        limit 20
    ) as failed_chunks
)`;
