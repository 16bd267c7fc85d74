/**
 * The whole way from folder to tables, held row by row to what an independent program says of the same files: promises
 * 1, 2, 3 and 10 without any disturbance.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { countFolder, type FolderCounts } from "../support/count-records.ts";
import { makeFolder, useEmptyDatabase } from "../support/fixture.ts";
import { chooseSeed, generateFolder, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expectOracle, expectSameTables, expectSound, readTables, type Tables } from "../support/read-tables.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("against the oracle");
const files = isLongRun ? 200 : 70;
const database = useEmptyDatabase(import.meta.path);
const folder = makeFolder();
let generatedDir: string;
let oracle: FolderCounts;

beforeAll(async () => {
    generatedDir = join(folder, "generated");
    await generateFolder(generatedDir, {
        files,
        seed,
        dirty: 0.1,
        duplicates: 0.1,
        ...(isLongRun ? { minRecords: 10, maxRecords: 3_000 } : {}),
    });
    oracle = countFolder(generatedDir);
});

const smallBatches = ["--max-batch-records", "1000"];
const smallChunks = ["--max-chunk-bytes", "4KiB"];
const smallest = (workers: string): [string, string[]] => [
    `${workers} merge workers, small batches and small chunks`,
    ["--merge-workers", workers, ...smallBatches, ...smallChunks],
];
const everyWay: [string, string[]][] = ["1", "2", "4"].flatMap((workers): [string, string[]][] => [
    [`${workers} merge workers`, ["--merge-workers", workers]],
    [`${workers} merge workers and small batches`, ["--merge-workers", workers, ...smallBatches]],
    smallest(workers),
]);
/** In a short run the diagonal: each number of workers, and each size. */
const ways = isLongRun ? everyWay : everyWay.filter((_, index) => index % 4 === 0);

describe(`${files} dirty files`, () => {
    let first: Tables | null = null;

    test.each(ways)(
        "with %s become the tables that the oracle expects, and the same ones in every way",
        async (_, flags) => {
            const { exitCode, summary, batches, stderr } = await ingestOnce(database.url, generatedDir, flags);
            expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
            expect(summary!.records).toMatchObject(oracle.total);
            expect(summary!.files).toEqual({ merged: files, skipped: 0, failed: 0 });
            expect(batches.reduce((sum, batch) => sum + batch.numInputRows, 0)).toBe(oracle.total.read);
            await expectOracle(database.sql, oracle);
            await expectSound(database.sql);
            const tables = await readTables(database.sql);
            first ??= tables;
            expectSameTables(tables, first);
        },
    );

    test.each([
        ["2", ["--merge-workers", "1", ...smallBatches]],
        ["4", ["--merge-workers", "2"]],
    ])("with %s ingests at once become the same tables, too: one loads, all merge", async (count, flags) => {
        const children = Array.from({ length: Number(count) }, () =>
            startIngest(database.url, generatedDir, ["--trigger", "available-now", ...flags]),
        );
        const ended = await Promise.all(children.map((child) => child.finish()));
        expect(ended.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
            children.map(() => ({ exitCode: 0, stderr: "" })),
        );
        await expectOracle(database.sql, oracle);
        await expectSound(database.sql);
        expectSameTables(await readTables(database.sql), first!);
    });

    test("with small batches are merged slice by slice, side by side", async () => {
        const { batches } = await ingestOnce(database.url, generatedDir, ["--merge-workers", "4", ...smallBatches]);
        expect(batches.filter(({ slices }) => slices === 4).length).toBeGreaterThan(5);
    });
});

describe("what has been ingested once", () => {
    let inputDir: string;
    let before: Tables;

    beforeEach(async () => {
        inputDir = mkdtempSync(join(folder, "again-"));
        for (const name of readdirSync(generatedDir).slice(0, 20))
            cpSync(join(generatedDir, name), join(inputDir, name));
        expect((await ingestOnce(database.url, inputDir)).exitCode).toBe(0);
        before = await readTables(database.sql);
    });
    afterEach(() => rmSync(inputDir, { recursive: true }));

    test("changes nothing when its rows come again in a new file", async () => {
        const accepted = acceptedLines(inputDir);
        writeFileSync(join(inputDir, "again.csv"), `${headerOf(inputDir)}\n${accepted.reverse().join("\n")}\n`);
        const { summary } = await ingestOnce(database.url, inputDir);
        expect(summary!.files).toEqual({ merged: 1, skipped: 0, failed: 0 });
        expect(summary!.records).toMatchObject({
            read: accepted.length,
            inserted: 0,
            duplicate: accepted.length,
            conflict: 0,
            rejected: 0,
        });
        const { events, rejects } = await readTables(database.sql);
        expect({ events, rejects }).toEqual({ events: before.events, rejects: before.rejects });
        await expectSound(database.sql);
    });

    test("shows one changed price as one conflict that SQL finds", async () => {
        const accepted = acceptedLines(inputDir);
        const changed = accepted[3]!.replace(/[^,]*$/, "4711.11");
        const lines = accepted.with(3, changed);
        writeFileSync(join(inputDir, "again.csv"), `${headerOf(inputDir)}\n${lines.join("\n")}\n`);
        const { summary } = await ingestOnce(database.url, inputDir);
        expect(summary!.records).toMatchObject({ inserted: 0, duplicate: accepted.length - 1, conflict: 1 });
        const found = await database.sql`
            select files.path, rejects.record_no as "recordNo", rejects.reasons, rejects.record ->> 'price' as price
            from ingest.rejects
            inner join ingest.chunks on chunks.chunk_id = rejects.chunk_id
            inner join ingest.files on files.file_id = chunks.file_id
            where rejects.record ->> 'event_id' = ${changed.split(",")[0]!} and rejects.record ->> 'price' = '4711.11'`;
        expect([...found]).toEqual([
            { path: "again.csv", recordNo: 4, reasons: ["event_id_conflict"], price: "4711.11" },
        ]);
        await expectSound(database.sql);
    });
});

function headerOf(inputDir: string): string {
    return linesOf(join(inputDir, readdirSync(inputDir)[0]!))[0]!;
}

/** The lines of plain records that became events: quoted and padded ones are left out, a comma ends each value. */
function acceptedLines(inputDir: string): string[] {
    const { events } = countFolder(inputDir);
    const lines = readdirSync(inputDir).flatMap((name) =>
        linesOf(join(inputDir, name)).map((line) => ({ name, line })),
    );
    const seen = new Set<string>();
    return lines
        .filter(({ name, line }) => {
            const eventId = line.split(",")[0]!;
            const isFirst = events.get(eventId)?.file === name && !seen.has(eventId);
            seen.add(eventId);
            return isFirst && /^[\w.: -]+(,[\w.: -]+){6}$/.test(line);
        })
        .map(({ line }) => line);
}

function linesOf(file: string): string[] {
    return readFileSync(file, "latin1").trimEnd().split(/\r?\n/);
}
