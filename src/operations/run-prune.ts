/**
 * Retention: removes what was merged before a moment, in steps that are one statement and one transaction each
 * (sql/engine/prune.sql, src/streams/render/render-prune.ts). Whenever it is stopped or killed, all that is left adds up, and the
 * next prune goes on from there. It gives way: after each step that holds locks it pauses for as long as that took.
 */
import type { Sql } from "../database/connect.ts";
import { sluiceStates, sqlStateOf } from "../database/sql-states.ts";
import { commandHere } from "../environment.ts";
import { SluiceError } from "../errors.ts";
import { repeatStep } from "./repeat-step.ts";
import { type KnownStream, readStreams } from "./streams/read-streams.ts";

/** A table, how many of its rows would go, and what share of its bytes they have. */
export interface PlannedRows {
    table: string;
    rows: number;
    bytes: number;
}

export interface PrunePlan {
    databaseName: string;
    /** Null: of all streams. */
    stream: string | null;
    /** It deletes everything that was merged before; by the database's clock. */
    before: Date;
    /** At most so many rows of the stream's table: one that a kept conflict contradicts stays. */
    tables: PlannedRows[];
    /** How many of the rejects no replay has resolved. */
    standingRejects: number;
    /** The tables that Sluice did not make: of those no row goes. */
    keptTables: string[];
}

export interface PruneSummary {
    /** Chunks that are marked as pruned now. */
    prunedChunks: number;
    events: number;
    rejects: number;
    batches: number;
    /** Of rows, by upserts that keep them; and keys of rows that they deleted. */
    versions: number;
    loads: number;
    files: number;
    /** Minutes and product days that nothing shows any more. */
    oldSums: number;
    /** Chunks of which an event stays, such as one that a kept conflict contradicts. */
    keptChunks: number;
}

export interface PruneOptions {
    /** How far it is, in pages of the table. */
    onPages?: (done: number, total: number) => void;
    /** How many pages a step begins with; then as many as take about a fifth of a second. */
    firstPages?: number;
    /** Only what is of this stream; null: of all. */
    stream?: KnownStream | null;
}

const stepMs = 200;
const mostPages = 16_384;
const rejectsAtOnce = 20_000;
const rowsAtOnce = 1_000;
const allSlices = 0xffff;

/**
 * Counts what a prune would delete now. Reads only.
 * @throws SluiceError `prune_distributed`
 */
export async function planPrune(sql: Sql, olderThanMs: number, stream: KnownStream | null = null): Promise<PrunePlan> {
    const streamId = stream?.streamId ?? null;
    const [moment] = await sql<{ before: Date; databaseName: string }[]>`
        select
            date_trunc('milliseconds', now() - ${olderThanMs}::float8 * interval '1 millisecond') as before,
            current_database() as "databaseName"`;
    const { before, databaseName } = moment!;
    const tables = await sql<PlannedRows[]>`
        select table_name as table, row_count as rows, bytes from ingest.plan_prune(${before}, ${streamId}::smallint)`;
    const [rejects] = await sql<{ standing: number }[]>`
        select count(*) as standing
        from ingest.rejects
        where
            rejects.resolved_by_batch is null
            and rejects.chunk_id in (select old_chunks.chunk_id from ingest.old_chunks(null, ${before}, ${streamId}::smallint))`;
    const streams = stream === null ? await readStreams(sql) : [stream];
    await refuseDistributed(sql, streams.filter(hasRowsOfOurs));
    return {
        databaseName,
        stream: stream?.name ?? null,
        before,
        tables: [...tables],
        standingRejects: rejects!.standing,
        keptTables: streams.filter((known) => !hasRowsOfOurs(known)).map(({ table }) => table),
    };
}

/** A prune goes by the pages of a table, and Citus has the rows on its workers: it would find none, and say so. */
async function refuseDistributed(sql: Sql, streams: readonly KnownStream[]): Promise<void> {
    for (const { table } of streams) {
        const [answer] = await sql<
            { isDistributed: boolean }[]
        >`select ingest.is_distributed(${table}) as "isDistributed"`;
        if (!answer!.isDistributed) continue;
        throw new SluiceError({
            code: "prune_distributed",
            what: `The rows of ${table} are on the workers of Citus, where a prune cannot go; nothing was changed.`,
            remedy: `Prune the other streams by name (--stream), or undo the distribution first: ${commandHere("scale")} citus --undo`,
        });
    }
}

/** Whether its table is Sluice's own. */
const hasRowsOfOurs = ({ home }: KnownStream): boolean => home === "ingest";

/**
 * Removes what was merged before `before`. `sql` has one connection: the right to prune belongs to its session.
 * @throws SluiceError `prune_running` when another prune is at work; what the database throws otherwise
 */
export async function runPrune(
    sql: Sql,
    before: Date,
    { onPages = () => {}, firstPages = 32, stream = null }: PruneOptions = {},
): Promise<PruneSummary> {
    try {
        return await pruneAll(sql, before, { onPages, firstPages, stream });
    } finally {
        // A lost connection has let go of it already.
        await sql`select pg_advisory_unlock_all()`.catch(() => {});
    }
}

async function pruneAll(sql: Sql, before: Date, options: Required<PruneOptions>): Promise<PruneSummary> {
    const streamId = options.stream?.streamId ?? null;
    const hasRows = options.stream === null || hasRowsOfOurs(options.stream);
    const chunks = await pruneInOrder(
        (after) => sql`
            select last_chunk_id as last, chunk_count as rows, reject_count as rejects
            from ingest.prune_chunks(${before}, ${after}, ${rejectsAtOnce}, ${streamId}::smallint)`,
    );
    // Before the rows: with the batches go the last conflicts that would keep one.
    const batches = await pruneInOrder(
        (after) => sql`
            select last_batch_id as last, batch_count as rows, reject_count as rejects
            from ingest.prune_batches(${before}, ${after}, ${rowsAtOnce}, ${streamId}::smallint)`,
    );
    const versions = await pruneInOrder(
        (after) => sql`
            select last_history_id as last, pruned_count as rows
            from ingest.prune_history(${before}, ${after}, ${rowsAtOnce}, ${streamId}::smallint)`,
    );
    const walk = hasRows ? await pruneTable(sql, before, options) : await walkOverNothing(sql);
    const loads = await pruneInOrder(
        (after) => sql`
            select last_load_id as last, load_count as rows from ingest.prune_loads(${before}, ${after}, ${rowsAtOnce}, ${streamId}::smallint)`,
    );
    const kept = [...walk.keptChunks];
    const files = await pruneInOrder(
        (after) => sql`
            select last_file_id as last, file_count as rows
            from ingest.prune_files(
                ${before}, ${walk.startedAt}, ${kept}::bigint[], ${after}, ${rowsAtOnce}, ${streamId}::smallint
            )`,
    );
    const [oldSums] = hasRows
        ? await step(() => sql<{ rows: number }[]>`select ingest.prune_recent_sums() as rows`)
        : [];
    return {
        prunedChunks: chunks.rows,
        events: walk.rows,
        rejects: chunks.rejects + batches.rejects,
        batches: batches.rows,
        versions: versions.rows,
        loads: loads.rows,
        files: files.rows,
        oldSums: oldSums?.rows ?? 0,
        keptChunks: kept.length,
    };
}

interface Step {
    /** The last id that was looked at. */
    last: number;
    rows: number;
    rejects?: number;
}

/** Steps over a table in the order of its ids, until there are no more. */
async function pruneInOrder(next: (after: number) => PromiseLike<Step[]>): Promise<{ rows: number; rejects: number }> {
    const total = { rows: 0, rejects: 0 };
    for (let after = 0; ; ) {
        const startedAt = performance.now();
        const [done] = await step(() => next(after));
        if (done === undefined) return total;
        after = done.last;
        total.rows += done.rows;
        total.rejects += done.rejects ?? 0;
        if (done.rows > 0) await Bun.sleep(Math.min(performance.now() - startedAt, stepMs));
    }
}

interface Walk {
    /** By the database's clock: every chunk that was marked before it has been walked over. */
    startedAt: Date;
    rows: number;
    keptChunks: Set<number>;
}

/** Of a table that Sluice did not make no row goes. */
async function walkOverNothing(sql: Sql): Promise<Walk> {
    const [clock] = await step(
        () => sql<{ startedAt: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as "startedAt"`,
    );
    return { startedAt: clock!.startedAt, rows: 0, keptChunks: new Set() };
}

/** Over the pages of the table as it is now: what is written behind them is younger than this prune. */
async function pruneTable(
    sql: Sql,
    before: Date,
    { onPages, firstPages }: Omit<Required<PruneOptions>, "stream">,
): Promise<Walk> {
    const [table] = await step(
        () => sql<{ startedAt: Date; pages: number }[]>`
            select
                date_trunc('milliseconds', clock_timestamp()) as "startedAt",
                pg_relation_size(table_name) / current_setting('block_size')::bigint as pages
            from ingest.stream_tables()
            where holds = 'rows'`,
    );
    const { startedAt, pages } = table!;
    const walk: Walk = { startedAt, rows: 0, keptChunks: new Set() };
    let pagesAtOnce = firstPages;
    for (let firstPage = 0; firstPage < pages; ) {
        const endPage = Math.min(pages, firstPage + pagesAtOnce);
        let longestMs = 0;
        // Whatever slices were busy are asked for again, alone.
        for (let wanted = allSlices; wanted !== 0; ) {
            const begunAt = performance.now();
            const [range] = await step(
                () => sql<RangeDone[]>`
                    select done_slices as slices, row_count as rows, kept_chunks as "keptChunks"
                    from ingest.prune_rows(${before}, ${firstPage}, ${endPage}, ${wanted})`,
            );
            const done = range!;
            const tookMs = performance.now() - begunAt;
            walk.rows += done.rows;
            for (const chunkId of done.keptChunks) walk.keptChunks.add(chunkId);
            wanted &= ~done.slices;
            longestMs = Math.max(longestMs, tookMs);
            if (done.rows > 0) await Bun.sleep(Math.min(tookMs, 5 * stepMs));
        }
        firstPage = endPage;
        onPages(firstPage, pages);
        pagesAtOnce = nextPages(pagesAtOnce, longestMs);
    }
    return walk;
}

/** As many as would have taken `stepMs`, but no more than twice as many as before. Pure. */
export function nextPages(pages: number, tookMs: number): number {
    const wanted = Math.floor((pages * stepMs) / Math.max(tookMs, 1));
    return Math.max(1, Math.min(wanted, 2 * pages, mostPages));
}

interface RangeDone {
    slices: number;
    rows: number;
    keptChunks: number[];
}

/** Every step may be done again: what it has deleted is no longer there to be deleted. */
async function step<Done>(run: () => PromiseLike<Done>): Promise<Done> {
    return await repeatStep(run).catch((error: unknown) => {
        throw sqlStateOf(error) === sluiceStates.pruneRunning ? pruneRunning(error) : error;
    });
}

function pruneRunning(cause: unknown): SluiceError {
    return new SluiceError({
        code: "prune_running",
        what: "Another prune is running on this database.",
        remedy: "Wait until it ends (pg_stat_activity shows it as sluice prune), then run this one again if it is still needed.",
        cause,
    });
}
