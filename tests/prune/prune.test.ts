/** Retention: what is old goes, what is young does not change, and everything adds up at every moment. Promises 1 to 3, 5, 8, 10. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { appendFile, copyFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { nextPages, planPrune, runPrune } from "../../src/operations/run-prune.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { createReader } from "../../src/server/api/reader.ts";
import { readStats } from "../../src/shop/api/read-stats.ts";
import { ageLedger } from "../support/age-ledger.ts";
import { idOf, shopCsv, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { type IngestOverrides, ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { openSession, whenWaiting } from "../support/sessions.ts";
import { waitUntil } from "../support/wait-until.ts";

const record = (n: number, values: { type?: string; product?: string; price?: string; at?: string } = {}) =>
    `${idOf(n)},${values.type ?? "view"},${values.product ?? "p"},u,${values.at ?? "2024-01-01 00:00:00"},1,${values.price ?? "1.00"}`;

const dayMs = 86_400_000;
const window = 90 * dayMs;

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
/** One connection, as the command has. */
let pruning: Sql;
const inputDir = useFolder();

beforeAll(async () => {
    pruning = connect(database.target, { applicationName: "test prune", max: 1 });
});
afterAll(async () => {
    await pruning.end({ timeout: 1 });
});
beforeEach(async () => {
    await sql`delete from ingest.event_types where event_type = 'wish'`;
});
afterEach(async () => {
    await expectChecksToPass(sql);
    for (const folder of [inputDir, `${inputDir}-archive`]) await rm(folder, { recursive: true, force: true });
});

async function ingest(files: Record<string, string[]>, overrides: IngestOverrides = {}): Promise<void> {
    for (const [name, lines] of Object.entries(files)) {
        await writeFile(join(inputDir, name), shopCsv(...lines));
    }
    await ingestFolder(database.target, inputDir, overrides);
}

async function prune(ageMs = window) {
    const { before } = await planPrune(pruning, ageMs);
    return await runPrune(pruning, before, { firstPages: 1 });
}

const eventNumbers = async () =>
    (await sql<{ no: number }[]>`select right(event_id::text, 12)::bigint as no from events order by 1`).map(
        ({ no }) => no,
    );

const countRows = async (table: string) =>
    (await sql.unsafe<{ count: number }[]>(`select count(*) as count from ${table}`))[0]!.count;

const fileStates = async () =>
    (
        await sql<{ line: string }[]>`
        select concat_ws(' ', path, version, state) as line from ingest.files order by file_id`
    ).map(({ line }) => line);

/** Somebody else holds something in an open transaction, until `meanwhile` is over. */
async function holding(statement: string, meanwhile: () => Promise<void>): Promise<void> {
    const holder = openSession(database);
    await holder.unsafe(`begin; ${statement}`);
    await meanwhile();
    await holder`commit`;
}

describe("what was merged before the window", () => {
    test("goes with its rejects, batches and loads; what is younger stays; totals are of all time", async () => {
        await ingest({
            "old.csv": [record(1), record(2, { type: "purchase" }), record(1), record(3, { type: "wish" })],
        });
        await ageLedger(sql, 100);
        await ingest({ "young.csv": [record(4, { type: "purchase", price: "2.50" }), record(5, { price: "x" })] });

        const summary = await prune();

        expect(summary).toMatchObject({ prunedChunks: 1, events: 2, rejects: 1, batches: 1, loads: 1, files: 0 });
        expect(await eventNumbers()).toEqual([4]);
        expect([...(await sql`select reasons from ingest.rejects`)]).toEqual([{ reasons: ["price_invalid"] }]);
        expect([
            await countRows("ingest.batches"),
            await countRows("ingest.chunk_merges"),
            await countRows("ingest.loads"),
        ]).toEqual([1, 1, 1]);
        const [totals] = await sql`select batches, read, inserted, duplicate, conflict, rejected from ingest.totals`;
        expect(totals).toEqual({ batches: 2, read: 6, inserted: 3, duplicate: 1, conflict: 0, rejected: 2 });
    });

    test("is in none of the sums but the one of what was pruned", async () => {
        await ingest({ "old.csv": [record(1), record(2, { type: "purchase", product: "q", price: "3.00" })] });
        await ageLedger(sql, 100);
        await ingest({ "young.csv": [record(4, { type: "purchase", price: "2.50" })] });
        await prune();

        // Drizzle changes the client it is given.
        const client = connect(database.target, { applicationName: "test stats", max: 1 });
        const reader = createReader({ sql: client, now: () => new Date() });
        try {
            expect(await reader.read((db) => readStats(db))).toMatchObject({
                records: { read: 3, inserted: 3 },
                totals: { events: 1, quantity: 1, revenue: "2.50" },
                eventTypes: [{ eventType: "purchase", events: 1 }],
                pruned: [
                    { eventType: "purchase", events: 1, quantity: 1, revenue: "3.00" },
                    { eventType: "view", events: 1, quantity: 1, revenue: "0.00" },
                ],
            });
        } finally {
            await client.end({ timeout: 1 });
        }
        expect([...(await sql`select product_id, events from ingest.product_stats where grain = 'total'`)]).toEqual([
            { product_id: "p", events: 1 },
        ]);
    });

    test("is of which day the rejects are that stay: the first and the last of a day are found anew", async () => {
        await ingest({ "a.csv": [record(1, { price: "x" })] });
        await ingest({ "b.csv": [record(2, { price: "x" })] });
        await ageLedger(sql, 100);
        // On the same day, but only the first is old.
        await sql`update ingest.chunks set merged_at = now() where chunk_id = (select max(chunk_id) from ingest.chunks)`;

        expect(await prune()).toMatchObject({ rejects: 1 });
        expect(await sql`select from ingest.reject_stats where rejects <> 1`).toHaveLength(0);
    });

    test("stays while a younger replay has touched it, and goes when that is old too", async () => {
        await ingest({ "old.csv": [record(1), record(2, { type: "wish" })] });
        await ageLedger(sql, 100);
        await sql`insert into ingest.event_types values ('wish')`;
        await runReplay(sql, {});

        expect(await prune()).toMatchObject({ prunedChunks: 0, events: 0, rejects: 0, batches: 0 });
        await expectChecksToPass(sql);
        await ageLedger(sql, 100);
        expect(await prune()).toMatchObject({ prunedChunks: 1, events: 2, rejects: 1, batches: 2 });
        expect(await eventNumbers()).toEqual([]);
    });

    test("is told by a trace as pruned, and not as a duplicate", async () => {
        await ingest({ "old.csv": [record(1), record(2)] });
        await ageLedger(sql, 100);
        await prune();
        const [row] = await sql`select ingest.trace_file_record('old.csv', 2) as trace`;
        expect(row!.trace).toEqual([expect.objectContaining({ recordNo: 2, outcome: "pruned" })]);
    });

    test("is what the plan said", async () => {
        await ingest({ "old.csv": [record(1), record(2), record(3, { price: "x" })] });
        await ageLedger(sql, 100);
        await ingest({ "young.csv": [record(4)] });
        const plan = await planPrune(pruning, window);
        const planned = Object.fromEntries(plan.tables.map(({ table, rows }) => [table, rows]));

        expect(planned).toEqual({
            ...{ events: 2, rejects: 1, batches: 1, chunk_merges: 1, loads: 1, files: 0, chunks: 0 },
            ...{ history: 0, tombstones: 0 },
        });
        expect(plan.standingRejects).toBe(1);
        expect(await eventNumbers()).toEqual([1, 2, 4]);
        expect(await runPrune(pruning, plan.before)).toMatchObject({ events: 2, rejects: 1, batches: 1, loads: 1 });
        expect((await planPrune(pruning, window)).tables.filter(({ rows }) => rows > 0)).toEqual([]);
    });
});

describe("an old event that a kept conflict contradicts", () => {
    const contradictions: [string, string, string | null][] = [
        ["as it is", idOf(2), null],
        ["in capitals and between blanks", ` ${idOf(2).toUpperCase()} `, null],
        ["behind a tab", `\t${idOf(2)}`, null],
        ["edited to another id since", idOf(2), idOf(77)],
    ];

    test.each(contradictions)("stays beside it (%s), and goes with it", async (_, claimed, editedTo) => {
        await ingest({ "old.csv": [record(1), record(2)] });
        await ageLedger(sql, 60);
        await ingest({ "correction.csv": [record(2, { price: "9.00" }).replace(idOf(2), claimed)] });
        if (editedTo !== null) {
            await sql`update ingest.rejects set record = record || jsonb_build_object('event_id', ${editedTo}::text)`;
        }
        await ageLedger(sql, 40);

        expect(await prune()).toMatchObject({ events: 1, rejects: 0, keptChunks: 1 });
        expect(await eventNumbers()).toEqual([2]);
        await expectChecksToPass(sql);

        await ageLedger(sql, 60);
        expect(await prune()).toMatchObject({ events: 1, rejects: 1, keptChunks: 0 });
        expect(await eventNumbers()).toEqual([]);
    });

    test("can be replaced by it afterwards, and then counts as young", async () => {
        await ingest({ "old.csv": [record(1), record(2)] });
        await ageLedger(sql, 60);
        await ingest({ "correction.csv": [record(2, { price: "9.00" })] });
        await ageLedger(sql, 40);
        await prune();
        await runReplay(sql, { acceptConflicts: true });

        await expectChecksToPass(sql);
        expect(await prune()).toMatchObject({ events: 0 });
        expect([...(await sql`select price from events`)]).toEqual([{ price: "9.00" }]);
        // The displaced row is a reject of a chunk that was pruned before: it goes in its own time.
        expect(await countRows("ingest.rejects")).toBe(2);
        await ageLedger(sql, 100);
        await prune();
        expect([
            await countRows("events"),
            await countRows("ingest.rejects"),
            await countRows("ingest.batches"),
        ]).toEqual([0, 0, 0]);
    });
});

describe("a pruned file that is delivered again", () => {
    const manyRecords = Array.from({ length: 300 }, (_, index) => record(index + 1));
    const ways: [string, string[], IngestOverrides][] = [
        ["in one chunk", [record(1), record(2)], {}],
        ["in many chunks", manyRecords, { maxChunkBytes: 4_096 }],
    ];

    test.each(ways)(
        "changes nothing while it lies in the folder (%s), touched or copied",
        async (_, lines, overrides) => {
            await ingest({ "a.csv": lines }, overrides);
            await ageLedger(sql, 100);
            await prune();
            await ingestFolder(database.target, inputDir, overrides);
            await utimes(join(inputDir, "a.csv"), new Date(), new Date());
            await ingestFolder(database.target, inputDir, overrides);
            await copyFile(join(inputDir, "a.csv"), join(inputDir, "b.csv"));
            await ingestFolder(database.target, inputDir, overrides);

            expect(await fileStates()).toEqual(["a.csv 1 merged", "b.csv 1 skipped"]);
            expect(await eventNumbers()).toEqual([]);
        },
    );

    test.each(ways)(
        "is continued when it grows (%s), and a new version when it was rewritten",
        async (_, lines, overrides) => {
            await ingest({ "a.csv": lines }, overrides);
            await ageLedger(sql, 100);
            await prune();
            await appendFile(join(inputDir, "a.csv"), `${record(1_000)}\n`);
            await ingestFolder(database.target, inputDir, overrides);
            expect(await eventNumbers()).toEqual([1_000]);

            await writeFile(join(inputDir, "a.csv"), shopCsv(record(1_000), ...lines));
            await ingestFolder(database.target, inputDir, overrides);
            expect(await fileStates()).toEqual(["a.csv 1 replaced", "a.csv 2 merged"]);
            // Beyond the window they are not remembered, and so are events: once, in every sum too.
            expect(await eventNumbers()).toHaveLength(lines.length + 1);
            const [total] = await sql`select sum(events) as events from ingest.event_stats where grain = 'total'`;
            expect(Number(total!.events)).toBe(lines.length + 1);
        },
    );

    test("within the window is a duplicate, whatever was pruned around it", async () => {
        await ingest({ "a.csv": [record(1)] });
        await ageLedger(sql, 60);
        await ingest({ "b.csv": [record(2), record(3)] });
        await ageLedger(sql, 40);
        await prune();
        await ingest({ "c.csv": [record(3), record(2), record(2)] });

        expect(await eventNumbers()).toEqual([2, 3]);
        const [merge] = await sql`select inserted, duplicate from ingest.batches order by batch_id desc limit 1`;
        expect(merge).toEqual({ inserted: 0, duplicate: 3 });
    });
});

describe("a file that has left the folder", () => {
    const archive: IngestOverrides = { afterMerge: "archive", tailSettleMs: 0 };

    test("is forgotten once nothing of it is kept, and is a new file when it comes again", async () => {
        await ingest({ "a.csv": [record(1), record(2, { price: "x" })] }, archive);
        expect(await readdir(inputDir)).toEqual([]);
        await ageLedger(sql, 100);
        expect(await prune()).toMatchObject({ events: 1, rejects: 1, files: 1 });
        for (const table of ["files", "chunks", "loads", "batches", "chunk_merges", "rejects"]) {
            expect([table, await countRows(`ingest.${table}`)]).toEqual([table, 0]);
        }
        await expectChecksToPass(sql);

        await ingest({ "a.csv": [record(1)] }, archive);
        expect(await fileStates()).toEqual(["a.csv 1 merged"]);
        expect(await eventNumbers()).toEqual([1]);
    });

    test("stays while an event of it does", async () => {
        await ingest({ "a.csv": [record(1), record(2)] }, archive);
        await ageLedger(sql, 60);
        await ingest({ "b.csv": [record(2, { price: "9.00" })] }, archive);
        await ageLedger(sql, 40);
        expect(await prune()).toMatchObject({ events: 1, files: 0, keptChunks: 1 });
        await expectChecksToPass(sql);
        await ageLedger(sql, 60);
        expect(await prune()).toMatchObject({ events: 1, files: 2, keptChunks: 0 });
    });

    test("stays while an older version of its path does, which discovery would else go by", async () => {
        await ingest({ "a.csv": [record(1)] });
        await ageLedger(sql, 60);
        await ingest({ "a.csv": [record(2)] }, archive);
        expect(await fileStates()).toEqual(["a.csv 1 replaced", "a.csv 2 merged"]);
        await ageLedger(sql, 100);
        await sql`update ingest.files set updated_at = now() where version = 1`;
        expect(await prune()).toMatchObject({ files: 0 });
        await sql`update ingest.files set updated_at = now() - interval '100 days' where version = 1`;
        // The newest goes in the round after the older ones.
        expect((await prune()).files + (await prune()).files).toBe(2);
    });

    test("is read when it comes again while it is being forgotten", async () => {
        await ingest({ "a.csv": [record(1)] }, archive);
        const [file] = await sql`select file_id as "fileId" from ingest.files`;
        expect([...(await sql`select ingest.reopen_files(array[${file!.fileId}, 0]::bigint[]) as files`)]).toEqual([
            { files: 1 },
        ]);
    });
});

describe("a prune beside others", () => {
    test("the checks hold between any two of its steps", async () => {
        const lines = Array.from({ length: 600 }, (_, index) => record(index, { price: index % 50 === 0 ? "x" : "1" }));
        await ingest({ "a.csv": lines, "b.csv": [record(601), record(5, { price: "9" })] }, { maxChunkBytes: 8_192 });
        await ageLedger(sql, 100);
        const { before } = await planPrune(pruning, window);
        const stepThrough = async (step: string, last: string) => {
            for (let after = 0; ; ) {
                const [row] = await pruning.unsafe(`select ${last} as last from ingest.${step}($1, $2, 1)`, [
                    before,
                    after,
                ]);
                if (!row) break;
                after = row.last;
                await expectChecksToPass(sql);
            }
        };
        await stepThrough("prune_chunks", "last_chunk_id");
        for (const [page, slices] of [
            [0, 0x00ff],
            [0, 0xff00],
            [1, 0xffff],
            [2, 0xffff],
            [3, 0xffff],
        ] as const) {
            await pruning`select from ingest.prune_rows(${before}, ${page}, ${page + 1}, ${slices})`;
            await expectChecksToPass(sql);
        }
        await stepThrough("prune_batches", "last_batch_id");
        await prune();
        expect(await eventNumbers()).toEqual([]);
    });

    test("waits for a merge with no slice in hand, and leaves what it cannot have for the next step", async () => {
        await ingest({ "a.csv": Array.from({ length: 160 }, (_, index) => record(index)) });
        await ageLedger(sql, 100);
        const { before } = await planPrune(pruning, window);
        await pruning`select from ingest.prune_chunks(${before}, 0, 1000)`;
        // Ids of these records end in a decimal digit: slice 3 is one of ten.
        const busy = 1 << 3;
        const rangeOf = (wanted: number) => pruning`
            select done_slices as slices, row_count as events
            from ingest.prune_rows(${before}, 0, 100, ${wanted})`;
        let waiting: ReturnType<typeof rangeOf> | undefined;
        await holding(`select ingest.lock_slices(0::smallint, ${busy})`, async () => {
            expect([...(await rangeOf(0xffff))]).toEqual([{ slices: 0xffff & ~busy, events: 144 }]);
            waiting = rangeOf(busy).execute();
            await whenWaiting(sql);
            expect([...(await sql`select ingest.lock_slices(0::smallint, 65535) as slices`)]).toEqual([
                { slices: 0xffff & ~busy },
            ]);
        });
        expect([...(await waiting!)]).toEqual([{ slices: busy, events: 16 }]);
    });

    test("leaves an event that somebody has locked, and its file, for the next", async () => {
        await ingest({ "a.csv": [record(1), record(2)] }, { afterMerge: "archive", tailSettleMs: 0 });
        await ageLedger(sql, 100);
        await holding(`select from events where event_id = '${idOf(2)}' for update`, async () => {
            expect(await prune()).toMatchObject({ events: 1, files: 0, keptChunks: 1 });
        });
        await expectChecksToPass(sql);
        expect(await prune()).toMatchObject({ events: 1, files: 1 });
    });

    test("leaves a chunk of which a reject is being replayed", async () => {
        await ingest({ "a.csv": [record(1), record(2, { price: "x" })] });
        await ageLedger(sql, 100);
        await holding("select from ingest.rejects for update", async () => {
            expect(await prune()).toMatchObject({ prunedChunks: 0, events: 0 });
        });
        expect(await prune()).toMatchObject({ prunedChunks: 1, events: 1, rejects: 1 });
    });

    test("should fail: while another prune is at work", async () => {
        const other = connect(database.target, { applicationName: "test other prune", max: 1 });
        const advisoryLocks = () => sql`
            select from pg_locks
            inner join pg_database on pg_database.oid = pg_locks.database
            where pg_locks.locktype = 'advisory' and pg_database.datname = current_database()`;
        await ingest({ "a.csv": [record(1)] });
        await ageLedger(sql, 100);
        await other`select ingest.hold_prune_lock()`;
        await expect(prune()).rejects.toMatchObject({ code: "prune_running" });
        expect(await eventNumbers()).toEqual([1]);
        await other.end({ timeout: 1 });
        await waitUntil("its session is over", async () => (await advisoryLocks()).length === 0);
        // And it lets go of it itself.
        expect(await prune()).toMatchObject({ events: 1 });
        expect(await advisoryLocks()).toHaveLength(0);
    });

    test("an ingest goes on meanwhile, and both end with what each would have done alone", async () => {
        const lines = (from: number) => Array.from({ length: 2_000 }, (_, index) => record(from + index));
        await ingest({ "old.csv": lines(0) });
        await ageLedger(sql, 100);
        // Half of them known and about to go, half new: whichever comes first, each is there once or not at all.
        const arriving = { "new.csv": [...lines(1_000).slice(1_000), record(5_000)], "again.csv": lines(6_000) };
        const [summary] = await Promise.all([
            prune(),
            ingest(arriving, { maxBatchRecords: 200, maxChunkBytes: 8_192 }),
        ]);
        expect(summary.events).toBe(2_000);
        expect(await eventNumbers()).toEqual([
            ...Array.from({ length: 1_000 }, (_, index) => 2_000 + index),
            5_000,
            ...Array.from({ length: 2_000 }, (_, index) => 6_000 + index),
        ]);
    });
});

describe("sums by product of which some are under ''", () => {
    const products = async () =>
        Object.fromEntries(
            (
                await sql<{ product: string; events: number }[]>`
                    select product_id as product, events from ingest.product_stats where grain = 'total'`
            ).map(({ product, events }) => [product, events]),
        );

    test("lose from the product's own row first, then from '', and none falls below zero", async () => {
        await ingest({
            "old.csv": [1, 2, 3].map((n) => record(n, { product: "p" })).concat(record(4, { product: "q" })),
        });
        await ageLedger(sql, 100);
        await ingest({ "young.csv": [record(5, { product: "q" }), record(6, { product: "r" })] });
        // As a batch of many products would have left them: two of p, and the one of r, without a row of their own.
        await sql`update ingest.product_stats set events = 1 where product_id = 'p'`;
        await sql`update ingest.product_stats set events = 3, product_id = '' where product_id = 'r'`;
        await expectChecksToPass(sql);
        await prune();
        expect(await products()).toEqual({ q: 1, "": 1 });
    });
});

test("takes as many pages at once as take a fifth of a second", () => {
    expect(nextPages(100, 200)).toBe(100);
    expect(nextPages(100, 1_000)).toBe(20);
    expect(nextPages(100, 10)).toBe(200);
    expect(nextPages(1, 60_000)).toBe(1);
    expect(nextPages(16_384, 1)).toBe(16_384);
});
