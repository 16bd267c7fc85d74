/** Which rejects are meant: one filter for the lists, the edits and the replays of command line, API and page. */
import { and, arrayContains, eq, gt, inArray, isNotNull, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Sql } from "../../database/connect.ts";
import { type RejectKind, rejects } from "../../database/schema.ts";

export interface RejectFilter {
    /** Of ingest.streams. */
    streamId?: number | undefined;
    kind?: RejectKind | undefined;
    /** A code of a stream's contract. */
    reason?: string | undefined;
    /** A file's id, or its path (then every version of it). */
    file?: string | undefined;
    /** The batch that rejected it. */
    batch?: number | undefined;
    /** A column that has a reason, or in which a conflict differs from the stored row. From `readColumnFault`. */
    column?: ColumnFault | undefined;
    /** A text that one of its raw values, or the raw line, contains. Upper and lower case are one. */
    contains?: string | undefined;
    /** Rejected at this moment or later: what Postgres reads as a timestamp. */
    from?: string | undefined;
    /** Rejected before this moment. */
    to?: string | undefined;
    ids?: readonly number[] | undefined;
}

export interface ColumnFault {
    name: string;
    /** The codes that are about this column. */
    codes: readonly string[];
}

/** Over ingest.rejects. Undefined ones hold for every row. */
export function conditionsOf(filter: RejectFilter): (SQL | undefined)[] {
    const { streamId, kind, reason, file, batch, column, contains, from, to, ids } = filter;
    return [
        ids === undefined ? undefined : inArray(rejects.rejectId, [...ids]),
        kind === undefined ? undefined : eq(rejects.kind, kind),
        streamId === undefined ? undefined : eq(rejects.streamId, streamId),
        reason === undefined ? undefined : arrayContains(rejects.reasons, [reason]),
        file === undefined ? undefined : isOfFile(file),
        batch === undefined ? undefined : eq(rejects.batchId, batch),
        from === undefined ? undefined : sql`${rejects.rejectedAt} >= ${from}::text::timestamptz`,
        to === undefined ? undefined : sql`${rejects.rejectedAt} < ${to}::text::timestamptz`,
        contains === undefined ? undefined : saysSomewhere(contains),
        // Last, because of a conflict it reads the stored row.
        column === undefined ? undefined : isAbout(column),
    ];
}

function isOfFile(file: string): SQL {
    const id = /^[1-9]\d{0,14}$/.test(file) ? Number(file) : null;
    return sql`${rejects.chunkId} in (
        select chunks.chunk_id
        from ingest.chunks
        inner join ingest.files on files.file_id = chunks.file_id
        where files.path = ${file} or files.file_id = ${id}::bigint
    )`;
}

function saysSomewhere(text: string): SQL {
    return sql`(
        position(lower(${text}::text) in lower(${rejects.rawText})) > 0
        or exists (
            select from jsonb_each_text(${rejects.record}) as raw_values
            where position(lower(${text}::text) in lower(raw_values.value)) > 0
        )
    )`;
}

function isAbout({ name, codes }: ColumnFault): SQL {
    const differs = and(
        eq(rejects.kind, "conflict"),
        sql`ingest.differs_in(${rejects.streamId}, ${rejects.record}, ${name}::text)`,
    )!;
    return codes.length === 0
        ? differs
        : or(sql`${rejects.reasons} && ${sql.param([...codes], rejects.reasons)}`, differs)!;
}

export interface ChosenRejects {
    /** Those with values, which an edit or a replay can take: null when there are none. */
    firstId: number | null;
    lastId: number | null;
    splittable: number;
    /** Those that could not be split into values: they need a record first. */
    unsplittable: number;
}

const isOpen = isNull(rejects.resolvedByBatch);

/** The standing rejects that a filter chooses, counted. */
export async function countChosen(client: Sql, filter: RejectFilter): Promise<ChosenRejects> {
    const [row] = await run<ChosenRejects>(
        client,
        sql`select
            min(reject_id) filter (where record is not null) as "firstId",
            max(reject_id) filter (where record is not null) as "lastId",
            count(*) filter (where record is not null) as "splittable",
            count(*) filter (where record is null) as "unsplittable"
        from ${rejects}
        where ${and(isOpen, ...conditionsOf(filter))}`,
    );
    return row!;
}

/** A page of their ids, in their order. `withoutRecord`: also those that have no values yet. */
export async function choosePage(
    client: Sql,
    filter: RejectFilter,
    {
        after,
        last,
        limit,
        withoutRecord = false,
    }: { after: number; last: number; limit: number; withoutRecord?: boolean },
): Promise<number[]> {
    const rows = await run<{ rejectId: number }>(
        client,
        sql`select ${rejects.rejectId} as "rejectId"
        from ${rejects}
        where ${and(
            isOpen,
            withoutRecord ? undefined : isNotNull(rejects.record),
            gt(rejects.rejectId, after),
            lte(rejects.rejectId, last),
            ...conditionsOf(filter),
        )}
        order by ${rejects.rejectId}
        limit ${limit}`,
    );
    return rows.map(({ rejectId }) => rejectId);
}

const dialect = new PgDialect();

/** Without drizzle's session, which would change the parsers of the client. */
async function run<Row extends object>(client: Sql, query: SQL): Promise<Row[]> {
    const { sql: text, params } = dialect.sqlToQuery(query);
    return (await client.unsafe(text, params as never[])) as unknown as Row[];
}
