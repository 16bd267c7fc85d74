/** Retention with streams beside the built-in one: of a table that Sluice found only what the ledger keeps goes. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { connect, type Sql } from "../../src/database/connect.ts";
import { planPrune, runPrune } from "../../src/operations/run-prune.ts";
import { readStreams } from "../../src/operations/streams/read-streams.ts";
import { ageLedger } from "../support/age-ledger.ts";
import { idOf, makeFolder, shopCsv, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { ingestLines, makeOrderLines, writeLines } from "../support/order-lines.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;
const folder = makeFolder();
const events = makeFolder();
/** One connection, as the command has. */
let pruning: Sql;
const monthMs = 30 * 86_400_000;

beforeAll(() => {
    pruning = connect(database.target, { applicationName: "test prune", max: 1 });
});
afterAll(() => pruning.end({ timeout: 1 }));
beforeEach(async () => {
    await sql`select from ingest.reset()`;
    await sql`drop table if exists sales.order_lines`;
    await makeOrderLines(sql);
    writeLines(folder);
    await Bun.write(`${events}/a.csv`, shopCsv(`${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1.50`, "bad"));
    await ingestFolder(database.target, events);
    await ingestLines(database.target, folder);
    await ageLedger(sql, 60);
});

/** Of events, then of order_lines. */
async function counts(table: string): Promise<number[]> {
    const [row] = await sql.unsafe<{ counts: number[] }[]>(`
        select array[count(*) filter (where stream_id = 0), count(*) filter (where stream_id = 1)]::integer[] as counts
        from ingest.${table}`);
    return row!.counts;
}

async function prune(name: string | null) {
    const stream = (await readStreams(sql)).find((known) => known.name === name) ?? null;
    const plan = await planPrune(pruning, monthMs, stream);
    return { plan, summary: await runPrune(pruning, plan.before, { stream }) };
}

const planned = (tables: { table: string; rows: number }[]) =>
    Object.fromEntries(tables.filter(({ rows }) => rows > 0).map(({ table, rows }) => [table, rows]));

test("of all streams: events lose their rows, a found table none", async () => {
    const { plan, summary } = await prune(null);

    expect(planned(plan.tables)).toEqual({ events: 1, rejects: 6, batches: 2, chunk_merges: 2, loads: 2 });
    expect(plan.keptTables).toEqual(["sales.order_lines"]);
    expect(summary).toMatchObject({ events: 1, rejects: 6, batches: 2, prunedChunks: 2 });
    expect(await sql`select from events`).toHaveLength(0);
    expect(await sql`select from sales.order_lines`).toHaveLength(2);
    expect(await counts("rejects")).toEqual([0, 0]);
    await expectChecksToPass(sql);
});

test.each([
    ["order_lines", { rejects: 5, batches: 1, chunk_merges: 1 }, [1, 0], 1],
    ["events", { events: 1, rejects: 1, batches: 1, chunk_merges: 1 }, [0, 5], 0],
])("of %s alone", async (name, expected, rejects, storedEvents) => {
    const { plan, summary } = await prune(name);

    expect(planned(plan.tables)).toMatchObject(expected);
    expect(Object.keys(planned(plan.tables)).filter((table) => table !== "loads")).toEqual(Object.keys(expected));
    expect(summary).toMatchObject({ rejects: expected.rejects, batches: 1, prunedChunks: 1 });
    expect(await counts("rejects")).toEqual(rejects);
    expect(await sql`select from events`).toHaveLength(storedEvents);
    expect(await sql`select from sales.order_lines`).toHaveLength(2);
    await expectChecksToPass(sql);
});

test("the command says what stays", async () => {
    const args = ["--older-than", "30d", "--dry-run", "--database-url", database.url];
    const { stdout } = await runScript("prune", ["--stream", "order_lines", ...args]);
    expect(stdout).toContain("these rows of the stream order_lines, merged before");
    expect(stdout).toContain("sales.order_lines keeps its rows: they are yours.");
    expect(stdout).not.toContain("  events,");
});

test("a file of one stream does not keep that of another with the same path", async () => {
    await Bun.write(`${folder}/a.csv`, "order_id,line,qty\n5,5,5\n");
    await ingestLines(database.target, folder);
    await sql`update ingest.files set state = 'replaced', updated_at = now() - interval '60 days' where path = 'a.csv'`;
    await sql`update ingest.files set version = 2 where path = 'a.csv' and stream_id = 0`;
    await prune("events");
    expect(await sql`select stream_id from ingest.files where path = 'a.csv'`).toMatchObject([{ stream_id: 1 }]);
});
