/** The mode snapshot: a file is the whole table. */
import { beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatTrace } from "../../src/commands/format-trace.ts";
import { readTrace } from "../../src/operations/read-trace.ts";
import { retryFiles } from "../../src/operations/retry-files.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { tryFiles } from "../../src/operations/try/try-files.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { failureOf } from "../support/failure-of.ts";
import { useDatabase, useFolder } from "../support/fixture.ts";
import { type IngestOverrides, ingestConfig } from "../support/ingest-folder.ts";
import { emptyTables, expectChecksToPass } from "../support/read-tables.ts";
import {
    anyRemoval,
    ingestProducts,
    makeProducts,
    readFiles,
    readOutcomes,
    readProducts,
    type SnapshotMode,
    snapshotOf,
    writeDays,
    writeProducts,
} from "../support/snapshots.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;
const folder = useFolder();

beforeEach(async () => {
    await sql.unsafe("drop schema if exists shop cascade");
    await makeProducts(sql);
    await emptyTables(sql);
});

const ingest = (mode: Partial<SnapshotMode> = {}, overrides: IngestOverrides = {}) =>
    ingestProducts(database.target, folder, mode, overrides);

async function detailOf(path: string): Promise<string> {
    const [file] = await sql<{ detail: string }[]>`
        select problem_detail as detail from ingest.files where path = ${path} order by version desc limit 1`;
    return file!.detail;
}

describe("a file that is the whole table", () => {
    test("inserts what is new, updates what differs, removes what it lacks, and leaves the rest unwritten", async () => {
        writeProducts(folder, "1.csv", ["1,pen,1.50", "2,cup,3", "3,hat,9", "4,bag,20", "5,box,2"]);
        await ingest();
        const before = await sql`select id::integer as id, xmin::text from shop.products order by id`;
        writeProducts(folder, "2.csv", ["6,lamp,40", "1,pen,1.5", "2,cup,3.10", "3,hat,9", "5,box,2"]);
        await ingest();

        expect(await readProducts(sql)).toEqual([
            "1 pen 1.50",
            "2 cup 3.10",
            "3 hat 9.00",
            "5 box 2.00",
            "6 lamp 40.00",
        ]);
        expect(await readOutcomes(sql)).toEqual([
            { read: 5, inserted: 5, rowsAfter: 5 },
            { read: 5, inserted: 1, updated: 1, duplicate: 3, removed: 1, rowsAfter: 5 },
        ]);
        const after = new Map(
            (await sql`select id::integer as id, xmin::text from shop.products`).map((row) => [row.id, row.xmin]),
        );
        const unwritten = before.filter(({ id, xmin }) => after.get(id) === xmin).map(({ id }) => id);
        expect(unwritten).toEqual([1, 3, 5]);
        await expectChecksToPass(sql);
    });

    test("of a key that comes again the first counts: with the same content a duplicate, with other content a conflict", async () => {
        writeProducts(folder, "1.csv", ["1,pen,1", "1,pen,1.00", "1,pen,2", "2,cup,3"]);
        await ingest({ maxRejects: { kind: "count", most: 1 } });
        expect(await readProducts(sql)).toEqual(["1 pen 1.00", "2 cup 3.00"]);
        expect(await readOutcomes(sql)).toEqual([{ read: 4, inserted: 2, duplicate: 1, conflict: 1, rowsAfter: 2 }]);
        const rejects = await sql`select record_no::integer as no, kind, reasons from ingest.rejects`;
        expect(rejects.map((row) => ({ ...row }))).toEqual([{ no: 3, kind: "conflict", reasons: ["id_conflict"] }]);
        await expectChecksToPass(sql);
    });

    test("of many chunks and slices it is one merge, whatever a merge may take", async () => {
        const records = (price: number) => Array.from({ length: 500 }, (_, n) => `${n},thing ${n},${price}`);
        writeProducts(folder, "1.csv", records(1));
        await ingest({}, { maxChunkBytes: 1024, maxBatchRecords: 50, mergeWorkers: 3 });
        writeProducts(folder, "2.csv", [...records(1).slice(0, 450), "600,new,1"]);
        await ingest({}, { maxChunkBytes: 1024, maxBatchRecords: 50, mergeWorkers: 3 });
        expect(await readOutcomes(sql)).toEqual([
            { read: 500, inserted: 500, rowsAfter: 500 },
            { read: 451, inserted: 1, duplicate: 450, removed: 50, rowsAfter: 451 },
        ]);
        const [removed] = await sql`
            select
                count(*)::integer as merges,
                (select removed::integer from ingest.chunk_merges where removed > 0) as removed,
                (select chunk_id = (select max(chunk_id) from ingest.chunks) from ingest.chunk_merges where removed > 0) as "isLast"
            from ingest.chunk_merges where removed > 0`;
        expect({ ...removed }).toEqual({ merges: 1, removed: 50, isLast: true });
        await expectChecksToPass(sql);
    });
});

describe("of several that wait", () => {
    test("only the newest by path order is applied, and the others say which that was", async () => {
        writeProducts(folder, "a.csv", ["1,pen,1"]);
        writeProducts(folder, "c.csv", ["3,hat,3"]);
        writeProducts(folder, "b.csv", ["2,cup,2"]);
        await ingest();
        expect(await readProducts(sql)).toEqual(["3 hat 3.00"]);
        expect(await readFiles(sql)).toEqual(["a.csv skipped superseded", "b.csv skipped superseded", "c.csv merged"]);
        expect(await detailOf("a.csv")).toBe(
            "The later snapshot c.csv (version 1) is applied: it stands for the whole table.",
        );
        expect(await readOutcomes(sql)).toHaveLength(1);
        await expectChecksToPass(sql);
    });

    test("one that fails holds nothing back: the one before it is applied", async () => {
        writeProducts(folder, "a.csv", ["1,pen,1"]);
        writeProducts(folder, "b.csv", ["2,cup,-2"]);
        await ingest();
        expect(await readProducts(sql)).toEqual(["1 pen 1.00"]);
        expect(await readFiles(sql)).toEqual(["a.csv merged", "b.csv failed too_many_rejects"]);
    });

    test("one that had failed and is tried again after a later one was applied is superseded by it", async () => {
        writeProducts(folder, "a.csv", ["1,pen,-1"]);
        await ingest();
        writeProducts(folder, "b.csv", ["2,cup,2"]);
        await ingest();
        await sql`select ingest.retry_files('a.csv')`;
        await ingest();
        expect(await readFiles(sql)).toEqual(["a.csv skipped superseded", "b.csv merged"]);
        expect(await readProducts(sql)).toEqual(["2 cup 2.00"]);
    });
});

describe("the same content again", () => {
    test("A, B, A: the third is applied, a fourth like it is a copy", async () => {
        const contents = { A: ["1,pen,1", "2,cup,2"], B: ["1,pen,1", "2,cup,3"] };
        for (const [name, content] of [
            ["1.csv", "A"],
            ["2.csv", "B"],
            ["3.csv", "A"],
            ["4.csv", "A"],
        ] as const) {
            writeProducts(folder, name, contents[content]);
            await ingest();
        }
        expect(await readProducts(sql)).toEqual(["1 pen 1.00", "2 cup 2.00"]);
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv merged", "3.csv merged", "4.csv skipped copy"]);
        expect(await readOutcomes(sql)).toEqual([
            { read: 2, inserted: 2, rowsAfter: 2 },
            { read: 2, updated: 1, duplicate: 1, rowsAfter: 2 },
            { read: 2, updated: 1, duplicate: 1, rowsAfter: 2 },
        ]);
        await expectChecksToPass(sql);
    });

    test("a copy of the applied one supersedes what waits before it", async () => {
        writeProducts(folder, "1.csv", ["1,pen,1"]);
        await ingest();
        writeProducts(folder, "2.csv", ["2,cup,2"]);
        writeProducts(folder, "3.csv", ["1,pen,1"]);
        await ingest();
        expect(await readProducts(sql)).toEqual(["1 pen 1.00"]);
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv skipped superseded", "3.csv skipped copy"]);
    });
});

describe("a file that grows or is rewritten", () => {
    test("is a new version as a whole, never its tail alone", async () => {
        writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,2"]);
        await ingest();
        appendFileSync(join(folder, "1.csv"), "3,hat,3\n");
        await ingest();
        expect(await readProducts(sql)).toEqual(["1 pen 1.00", "2 cup 2.00", "3 hat 3.00"]);
        expect(await readFiles(sql)).toEqual(["1.csv replaced rewritten", "1.csv#2 merged"]);
        expect((await readOutcomes(sql)).at(-1)).toEqual({ read: 3, inserted: 1, duplicate: 2, rowsAfter: 3 });
        await expectChecksToPass(sql);
    });

    test("under the same name each is a version of it", async () => {
        for (const price of [1, 2, 3]) {
            writeProducts(folder, "products.csv", [`1,pen,${price}`, "2,cup,2"]);
            await ingest();
        }
        expect(await readProducts(sql)).toEqual(["1 pen 3.00", "2 cup 2.00"]);
        expect(await readFiles(sql)).toEqual([
            "products.csv replaced rewritten",
            "products.csv#2 replaced rewritten",
            "products.csv#3 merged",
        ]);
        await expectChecksToPass(sql);
    });

    test("is not read while it is young: it may not be whole", async () => {
        writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,2"]);
        await ingest();
        writeProducts(folder, "2.csv", ["1,pen,1"]);
        await ingest({}, { tailSettleMs: 60_000 });
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv pending"]);
        expect(await readProducts(sql)).toHaveLength(2);
    });
});

describe("what a snapshot must not do", () => {
    const ten = Array.from({ length: 10 }, (_, n) => `${n},thing,1`);
    beforeEach(async () => {
        writeProducts(folder, "1.csv", ten);
        await ingest();
    });

    test("remove more than maxRemoved, unless somebody lets exactly this version pass", async () => {
        writeProducts(folder, "2.csv", ten.slice(0, 7));
        await ingest();
        expect(await readProducts(sql)).toHaveLength(10);
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv failed snapshot_removes_too_much"]);
        expect(await detailOf("2.csv")).toBe(
            "It lacks 3 of 10 rows, and nothing of it got in: maxRemoved allows 2. For example id 7; id 8; id 9.",
        );
        await expectChecksToPass(sql);

        await retryFiles(sql, "2.csv", null, { allowsRemoval: true });
        writeProducts(folder, "2.csv", ten.slice(0, 6));
        await ingest();
        expect(await detailOf("2.csv")).toStartWith("It lacks 4 of 10 rows");
        await retryFiles(sql, "2.csv");
        await ingest();
        expect(await readProducts(sql)).toHaveLength(10);
        await retryFiles(sql, "2.csv", null, { allowsRemoval: true });
        await ingest();
        expect(await readProducts(sql)).toHaveLength(6);
        expect((await readOutcomes(sql)).at(-1)).toEqual({ read: 6, duplicate: 6, removed: 4, rowsAfter: 6 });
        await expectChecksToPass(sql);

        writeProducts(folder, "2.csv", ten.slice(0, 3));
        await ingest();
        expect(await detailOf("2.csv")).toStartWith("It lacks 3 of 6 rows");
    });

    test("exactly as many as maxRemoved are removed", async () => {
        writeProducts(folder, "2.csv", ten.slice(0, 8));
        await ingest();
        expect(await readProducts(sql)).toHaveLength(8);
    });

    test("be empty", async () => {
        writeProducts(folder, "2.csv", []);
        await ingest(anyRemoval);
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv failed snapshot_empty"]);
        writeFileSync(join(folder, "3.csv"), "");
        await ingest(anyRemoval);
        expect((await readFiles(sql)).at(-1)).toBe("3.csv failed empty_file");
        writeProducts(folder, "4.csv", ["x,pen,1"]);
        await ingest({ ...anyRemoval, maxRejects: { kind: "count", most: 9 } });
        expect((await readFiles(sql)).at(-1)).toBe("4.csv failed snapshot_empty");
        expect(await readProducts(sql)).toHaveLength(10);
        await expectChecksToPass(sql);
    });

    test("have rejects beyond maxRejects, by the rules or by the table", async () => {
        writeProducts(folder, "2.csv", [...ten.slice(0, 9), "9,thing,-1"]);
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv failed too_many_rejects"]);
        expect(await detailOf("2.csv")).toStartWith(
            "1 of 10 records would be rejected, and nothing of them got in: 1 price_positive (first in record 10). Record 10: {",
        );
        expect(await sql`select from ingest.rejects`).toHaveLength(0);
        await sql.unsafe("create unique index names on shop.products (name) where name <> 'thing'");
        writeProducts(folder, "3.csv", [...ten.slice(0, 8), "8,same,1", "9,same,1"]);
        await ingest();
        expect(await detailOf("3.csv")).toStartWith(
            "1 of 10 records would be rejected, and nothing of them got in: 1 ",
        );
        await ingest({ maxRejects: { kind: "count", most: 1 } });
        rmSync(join(folder, "3.csv"));
        expect(await readProducts(sql)).toHaveLength(10);
        await expectChecksToPass(sql);
    });

    test("have conflicts beyond maxRejects: conflicts count too", async () => {
        writeProducts(folder, "2.csv", [...ten, "9,thing,2"]);
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv failed too_many_rejects"]);
        expect(await detailOf("2.csv")).toStartWith("1 of 11 records would be rejected");
    });

    test("lack a row that another table names", async () => {
        await sql.unsafe(`
            create table shop.orders (no integer primary key, product_id bigint constraint order_product references shop.products);
            insert into shop.orders values (1, 9)`);
        writeProducts(folder, "2.csv", ten.slice(0, 9));
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv failed snapshot_row_referenced"]);
        expect(await detailOf("2.csv")).toBe(
            "It lacks a row of products that a row of shop.orders names (order_product), and nothing of it got in. " +
                'Key (id)=(9) is still referenced from table "orders".',
        );
        expect(await readProducts(sql)).toHaveLength(10);
        await sql`delete from shop.orders`;
        await sql`select ingest.retry_files('2.csv')`;
        await ingest();
        expect(await readProducts(sql)).toHaveLength(9);
        await expectChecksToPass(sql);
    });
});

describe("by: a file is all rows with its values in some columns", () => {
    const byDay = { by: ["day"] };
    beforeEach(async () => {
        writeDays(folder, "1.csv", [
            "1,2026-05-01,pen,1",
            "2,2026-05-01,cup,2",
            "3,2026-05-02,hat,3",
            "4,2026-05-02,bag,4",
        ]);
        await ingest(byDay);
    });

    test("of these it removes what it lacks, and of no others", async () => {
        writeDays(folder, "2.csv", ["1,2026-05-01,pen,1.5", "5,2026-05-01,box,5"]);
        await ingest({ ...byDay, ...anyRemoval });
        expect(await readProducts(sql)).toEqual(["1 pen 1.50", "3 hat 3.00", "4 bag 4.00", "5 box 5.00"]);
        expect((await readOutcomes(sql)).at(-1)).toEqual({
            read: 2,
            inserted: 1,
            updated: 1,
            removed: 1,
            rowsAfter: 2,
        });
        await expectChecksToPass(sql);
    });

    test("maxRemoved is a share of the slice", async () => {
        writeDays(folder, "2.csv", ["1,2026-05-01,pen,1"]);
        await ingest(byDay);
        expect(await detailOf("2.csv")).toBe(
            "It lacks 1 of 2 rows, and nothing of it got in: maxRemoved allows 0. For example id 2.",
        );
    });

    test("several that wait are applied one after the other", async () => {
        writeDays(folder, "2.csv", ["6,2026-05-03,mug,6"]);
        writeDays(folder, "3.csv", ["7,2026-05-04,ink,7"]);
        writeDays(folder, "4.csv", ["6,2026-05-03,mug,66"]);
        await ingest(byDay);
        expect((await readFiles(sql)).slice(1)).toEqual(["2.csv merged", "3.csv merged", "4.csv merged"]);
        expect((await readProducts(sql)).slice(4)).toEqual(["6 mug 66.00", "7 ink 7.00"]);
    });

    test("a row that a file has moved to its slice is updated", async () => {
        writeDays(folder, "2.csv", ["3,2026-05-01,hat,3", "1,2026-05-01,pen,1", "2,2026-05-01,cup,2"]);
        await ingest(byDay);
        expect((await readOutcomes(sql)).at(-1)).toEqual({ read: 3, updated: 1, duplicate: 2, rowsAfter: 3 });
        expect(await readProducts(sql)).toHaveLength(4);
    });

    test.each([
        ["dat", "slice_unknown", "Did you mean day?"],
        [
            "price",
            "slice_nullable",
            "Let it have a value always: `alter table shop.products alter column price set not null`.",
        ],
    ])("%s cannot be one of the columns: %s", async (column, code, remedy) => {
        const failure = await failureOf(applyStream(database.target, snapshotOf("shop.products", { by: [column] })));
        expect(failure).toMatchObject({ code, remedy });
    });
});

describe("values that must be unique", () => {
    beforeEach(async () => {
        await sql.unsafe("alter table shop.products add constraint names unique (name)");
        writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,2", "3,hat,3"]);
        await ingest();
    });

    test("may go from a row that is removed or changed to a new one", async () => {
        writeProducts(folder, "2.csv", ["2,mug,2", "3,hat,3", "4,pen,1", "5,cup,2"]);
        await ingest(anyRemoval);
        expect(await readProducts(sql)).toEqual(["2 mug 2.00", "3 hat 3.00", "4 pen 1.00", "5 cup 2.00"]);
        await expectChecksToPass(sql);
    });

    test("that two records have: the later one is refused by name, and the file fails or goes on without it", async () => {
        writeProducts(folder, "2.csv", ["1,pen,1", "2,cup,2", "3,hat,3", "4,box,4", "5,box,5", "6,cup,6"]);
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv failed too_many_rejects"]);
        expect(await detailOf("2.csv")).toStartWith(
            "2 of 6 records would be rejected, and nothing of them got in: 2 names_taken (first in record 5).",
        );
        await retryFiles(sql, "2.csv");
        await ingest({ maxRejects: { kind: "count", most: 2 } });
        expect(await readProducts(sql)).toEqual(["1 pen 1.00", "2 cup 2.00", "3 hat 3.00", "4 box 4.00"]);
        expect((await readOutcomes(sql)).at(-1)).toEqual({
            read: 6,
            inserted: 1,
            duplicate: 3,
            rejected: 2,
            rowsAfter: 4,
        });
        await expectChecksToPass(sql);
    });
});

test("an empty value is the column's default, whatever the row had: A, B, A ends as A", async () => {
    await sql.unsafe("alter table shop.products alter column name set default 'none'");
    for (const [name, records] of [
        ["1.csv", ["1,,1"]],
        ["2.csv", ["1,pen,1"]],
        ["3.csv", ["1,,1"]],
    ] as const) {
        writeProducts(folder, name, records);
        await ingest();
    }
    expect(await readProducts(sql)).toEqual(["1 none 1.00"]);
    expect((await readOutcomes(sql)).slice(1)).toEqual([
        { read: 1, updated: 1, rowsAfter: 1 },
        { read: 1, updated: 1, rowsAfter: 1 },
    ]);
});

describe("rejects", () => {
    const one = { maxRejects: { kind: "count", most: 1 } } as const;

    test("of the newest snapshot are replayed: the table keeps what else it has", async () => {
        writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,-2", "3,hat,3"]);
        await ingest(one);
        await sql`update ingest.rejects set record = record || '{"price": "2"}'`;
        expect(await runReplay(sql, { streamId: 1 })).toMatchObject({ read: 1, inserted: 1, batches: 1 });
        expect(await readProducts(sql)).toEqual(["1 pen 1.00", "2 cup 2.00", "3 hat 3.00"]);
        await expectChecksToPass(sql);
    });

    test("of one that a later snapshot replaced are not", async () => {
        writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,-2"]);
        await ingest(one);
        writeProducts(folder, "2.csv", ["1,pen,1"]);
        await ingest(one);
        await sql`update ingest.rejects set record = record || '{"price": "2"}'`;
        expect(await runReplay(sql, { streamId: 1 })).toMatchObject({ read: 0, batches: 0 });
        expect(await readProducts(sql)).toEqual(["1 pen 1.00"]);
        await expectChecksToPass(sql);
    });
});

test("a check sees that the table no longer has the rows that the latest snapshot left", async () => {
    writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,2"]);
    await ingest();
    await sql`delete from shop.products where id = 1`;
    const failing = (await runChecks(sql)).filter(({ passed }) => !passed);
    expect(failing.map(({ name, sampleRows }) => [name, sampleRows])).toMatchObject([
        ["products.count_snapshot_rows", [{ table_rows: 1, expected_rows: 2 }]],
    ]);
});

test("conflicts of a snapshot that was replaced need no row any more", async () => {
    writeProducts(folder, "1.csv", ["1,pen,1", "1,pen,2", "2,cup,2"]);
    await ingest({ maxRejects: { kind: "count", most: 1 } });
    writeProducts(folder, "2.csv", ["2,cup,2"]);
    await ingest(anyRemoval);
    expect(await readProducts(sql)).toEqual(["2 cup 2.00"]);
    await expectChecksToPass(sql);
});

test("a trace of a removed key names the snapshot that does not have it", async () => {
    writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,2"]);
    await ingest();
    const traced = (id: string) => readTrace(sql, { name: "products", home: "ingest_products" }, { key: { id } });
    expect(await traced("1")).toMatchObject({ stored: { name: "pen" }, absentFrom: null });
    writeProducts(folder, "2.csv", ["2,cup,2"]);
    await ingest(anyRemoval);
    const trace = await traced("1");
    expect(trace).toMatchObject({ stored: null, records: [], absentFrom: { path: "2.csv", version: 1 } });
    const lines = formatTrace({ key: { id: "1" } }, trace, { tellsOrigin: false, headers: new Map() });
    expect(lines.join("\n")).toContain("absent   from the snapshot 2.csv, applied by batch");
});

describe("a dry run", () => {
    const tried = async (path: string, mode: Partial<SnapshotMode> = {}) => {
        const stream = await applyStream(database.target, snapshotOf("shop.products", mode));
        const config = { ...ingestConfig(folder), sources: [stream.source!] };
        const [file] = await tryFiles({ target: database.target, stream, config, files: [join(folder, path)] });
        return file!;
    };
    beforeEach(async () => {
        writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,2", "3,hat,3"]);
        await ingest();
    });

    test("tells what would become of the records, and removes nothing", async () => {
        writeProducts(folder, "2.csv", ["1,pen,1", "2,cup,20", "4,box,4"]);
        const file = await tried("2.csv", anyRemoval);
        expect(file).toMatchObject({ problem: null, records: { read: 3, inserted: 1, duplicate: 1, conflict: 0 } });
        expect(await readProducts(sql)).toHaveLength(3);
    });

    test.each([
        [["1,pen,1"], "snapshot_removes_too_much", "It lacks 2 of 3 rows"],
        [["1,pen,1", "2,cup,2", "3,hat,-1"], "too_many_rejects", "1 of 3 records would be rejected"],
    ])("of %j says that it would fail with %s", async (records, problem, detail) => {
        writeProducts(folder, "2.csv", records);
        expect(await tried("2.csv")).toMatchObject({ problem, problemDetail: expect.stringContaining(detail) });
        expect(await readProducts(sql)).toHaveLength(3);
    });
});

test("the mode cannot change while files wait that were read for the other one", async () => {
    writeProducts(folder, "1.csv", ["1,pen,1"]);
    await ingest();
    await sql`update ingest.chunks set state = 'held'`;
    const failure = await failureOf(
        applyStream(database.target, { ...snapshotOf("shop.products"), mode: { name: "insert" } }),
    );
    expect(failure).toMatchObject({ code: "mode_changed", remedy: expect.stringContaining('mode: "snapshot"') });
    await sql`update ingest.chunks set state = 'merged'`;
});
