/** The tables after an ingest, as lines of text that can be compared, and whether all of it is in order. */
import { expect } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import type { Counts, FolderCounts } from "./count-records.ts";
import { listEvents } from "./count-records.ts";

/** One line a row, in an order of their own: chunk ids and times differ from run to run and are left out. */
export interface Tables {
    events: string[];
    rejects: string[];
    counts: Counts;
}

export async function readTables(sql: Sql): Promise<Tables> {
    const events = await sql<{ line: string }[]>`
        select jsonb_build_array(
            events.event_id, events.event_type, events.product_id, events.user_id, events.event_timestamp,
            events.quantity, events.price::text, events.attributes, files.path, events.record_no
        )::text as line
        from public.events
        left join ingest.chunks on chunks.chunk_id = events.chunk_id
        left join ingest.files on files.file_id = chunks.file_id
        order by events.event_id`;
    const rejects = await sql<{ line: string }[]>`
        select jsonb_build_array(
            files.path, rejects.record_no, rejects.kind, rejects.reasons, rejects.record, rejects.raw_text,
            rejects.line_no, rejects.byte_offset
        )::text as line
        from ingest.rejects
        left join ingest.chunks on chunks.chunk_id = rejects.chunk_id
        left join ingest.files on files.file_id = chunks.file_id
        order by files.path collate "C", rejects.record_no, rejects.kind, rejects.reject_id`;
    return {
        events: events.map(({ line }) => line),
        rejects: rejects.map(({ line }) => line),
        counts: await readCounts(sql),
    };
}

export async function readCounts(sql: Sql): Promise<Counts> {
    const [counts] = await sql<Counts[]>`
        select
            coalesce(sum(batches.read), 0)::bigint as read,
            coalesce(sum(batches.inserted), 0)::bigint as inserted,
            coalesce(sum(batches.duplicate), 0)::bigint as duplicate,
            coalesce(sum(batches.conflict), 0)::bigint as conflict,
            coalesce(sum(batches.rejected), 0)::bigint as rejected
        from ingest.batches`;
    return { ...counts! };
}

/** The counts that do not depend on the order of merging. It decides which record of an id wins, and not how many do. */
export function countsOfAnyOrder({ read, inserted, duplicate, conflict, rejected }: Counts) {
    return { read, inserted, rejected, losers: duplicate + conflict };
}

/** Loads begun and batches committed: how far the work has come, whatever the machine's speed. */
export async function countSteps(sql: Sql): Promise<number> {
    const [row] = await sql<{ steps: number }[]>`
        select (select count(*) from ingest.loads) + (select count(*) from ingest.batches) as steps`;
    return row!.steps;
}

/** The state of the current version of every file, and its problem if it has one: `merged`, `failed empty_file`. */
export async function readFileStates(sql: Sql): Promise<Record<string, string>> {
    const rows = await sql<{ path: string; state: string }[]>`
        select files.path, concat_ws(' ', files.state, files.problem) as state
        from ingest.files
        where files.state <> 'replaced'
        order by files.path collate "C"`;
    return Object.fromEntries(rows.map(({ path, state }) => [path, state]));
}

/** Fails with the first difference: comparing a hundred thousand lines by toEqual would print them. */
export function expectSameTables(actual: Tables, expected: Tables): void {
    expect(actual.counts).toEqual(expected.counts);
    expectSameLines("events", actual.events, expected.events);
    expectSameLines("rejects", actual.rejects, expected.rejects);
}

function expectSameLines(what: string, actual: string[], expected: string[]): void {
    const at = expected.findIndex((line, index) => actual[index] !== line);
    const where = at === -1 ? Math.min(actual.length, expected.length) : at;
    expect({ [what]: actual.length, at: where, line: actual[where] }).toEqual({
        [what]: expected.length,
        at: where,
        line: expected[where],
    });
}

/** Counts, events and rejects are what the oracle says of the folder, row by row. */
export async function expectOracle(sql: Sql, oracle: FolderCounts): Promise<void> {
    expect(await readCounts(sql)).toEqual(oracle.total);
    const events = await sql<{ line: unknown[] }[]>`
        select jsonb_build_array(
            events.event_id, events.event_type, events.product_id, events.user_id,
            to_char(events.event_timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            events.quantity::text, events.price::text, events.attributes, files.path, events.record_no
        ) as line
        from public.events
        left join ingest.chunks on chunks.chunk_id = events.chunk_id
        left join ingest.files on files.file_id = chunks.file_id`;
    const expectedEvents = [...listEvents(oracle)].map((event) => [
        ...[event.eventId, event.eventType, event.productId, event.userId, event.eventTimestamp],
        ...[event.quantity, event.price, event.attributes, event.file, event.recordNo],
    ]);
    // PostgreSQL keeps the names of attributes in an order of its own.
    const byName = (value: unknown) =>
        value !== null && typeof value === "object"
            ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
            : value;
    const byLine = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row.map(byName))).sort();
    expectSameLines("events", byLine(events.map(({ line }) => line)), byLine(expectedEvents));

    const rejects = await sql<{ line: unknown[] }[]>`
        select jsonb_build_array(files.path, rejects.record_no, rejects.kind) as line
        from ingest.rejects
        left join ingest.chunks on chunks.chunk_id = rejects.chunk_id
        left join ingest.files on files.file_id = chunks.file_id`;
    const expectedRejects = oracle.outcomes
        .filter(({ kind }) => kind !== "duplicate")
        .map(({ file, recordNo, kind }) => [file, recordNo, kind]);
    expectSameLines("rejects", byLine(rejects.map(({ line }) => line)), byLine(expectedRejects));
}

/** As expectOracle, for a run that may have merged in another order than that of the paths. */
export async function expectOracleInAnyOrder(sql: Sql, oracle: FolderCounts): Promise<void> {
    expect(countsOfAnyOrder(await readCounts(sql))).toEqual(countsOfAnyOrder(oracle.total));
    const ids = await sql<{ id: string }[]>`select event_id::text as id from public.events`;
    expectSameLines("event ids", ids.map(({ id }) => id).sort(), [...oracle.events.keys()].sort());
}

/** As `bun run reset` does, whatever was running: for tests that have killed it. */
export async function emptyTables(sql: Sql): Promise<void> {
    await sql`delete from ingest.workers`;
    expect([...(await sql`select * from ingest.reset()`)]).toEqual([]);
    await sql`update ingest.loader_lease set worker_id = null, lease_until = null`;
    await sql`update ingest.notifier set holder = null, lease_until = null`;
}

/** As if ten seconds had gone by without a sign of those who hold them. */
export async function expireLeases(sql: Sql): Promise<void> {
    await sql`update ingest.loader_lease set lease_until = clock_timestamp()`;
    await sql`update ingest.workers set lease_until = clock_timestamp()`;
    await sql`update ingest.notifier set lease_until = clock_timestamp()`;
}

async function findBrokenChecks(sql: Sql): Promise<string[]> {
    const broken = (await runChecks(sql)).filter(({ passed }) => !passed);
    return broken.map(({ name, sampleRows, error }) => `check ${name}: ${JSON.stringify(sampleRows)} ${error ?? ""}`);
}

export async function expectChecksToPass(sql: Sql): Promise<void> {
    expect(await findBrokenChecks(sql)).toEqual([]);
}

/** Checks that fail, and leavings that somebody would have to tidy up (promise 8). */
export async function findDisorder(sql: Sql): Promise<string[]> {
    const readLeft = () => sql<{ what: string; count: number }[]>`
        with
            leavings (what, count) as (
                select 'backends', count(*)
                from pg_stat_activity
                where
                    datname = current_database()
                    and application_name like 'sluice-%'
                    and application_name <> 'sluice-api'
                union all
                select 'loads in progress', count(*) from ingest.loads where state = 'loading'
                union all
                select 'rows in staging', count(*) from ingest.staging
                union all
                select 'open chunks', count(*) from ingest.chunks where state in ('staged', 'pending')
                union all
                select 'open files', count(*) from ingest.files where state in ('pending', 'loaded')
                union all
                select 'workers', count(*) from ingest.workers
                union all
                select 'leases', count(*) from ingest.loader_lease where worker_id is not null
            )
        select what, count from leavings where count > 0`;
    let left = await readLeft();
    // The backend of a lost connection ends on its own, a moment later.
    for (let turn = 0; turn < 100 && left.some(({ what }) => what === "backends"); turn += 1) {
        await Bun.sleep(50);
        left = await readLeft();
    }
    return [...(await findBrokenChecks(sql)), ...left.map(({ what, count }) => `${count} ${what} are left`)];
}

export async function expectSound(sql: Sql): Promise<void> {
    expect(await findDisorder(sql)).toEqual([]);
}
