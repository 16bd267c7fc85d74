/** Copies are skipped whatever their size: in one run, and of originals that take a chunk or several. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { emptyTables } from "../support/read-tables.ts";

setDefaultTimeout(testTimeoutMs);

let database: TestDatabase;
let inputDir: string;
beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
});
afterAll(() => database.drop());
beforeEach(async () => {
    inputDir = join(mkdtempSync(join(tmpdir(), "sluice-copies-")), "input");
    mkdirSync(inputDir);
    await emptyTables(database.sql);
});
afterEach(() => rmSync(join(inputDir, ".."), { recursive: true }));

const header = "event_id,event_type,product_id,user_id,event_timestamp";
const record = (no: number, userId = "u") =>
    `00000000-0000-4000-8000-${String(no).padStart(12, "0")},view,p,${userId},2024-01-31 12:00:00`;

const records = (count: number) => Array.from({ length: count }, (_, no) => record(no));

test.each([
    ["that is smaller than a chunk", records(10), 1],
    // The last record crosses the bound of 1 KiB and belongs to the chunk.
    ["that is larger than a chunk, and one all the same", [...records(14), record(99, "u".repeat(90))], 1],
    ["of several chunks", records(60), 4],
])("of a file %s", async (_, lines, chunks) => {
    await expectCopies(lines, "1KiB", chunks);
});

test("of a file of more than a megabyte that is one chunk", async () => {
    await expectCopies(records(16_000), "16MiB", 1);
});

async function expectCopies(lines: string[], chunkBytes: string, chunks: number): Promise<void> {
    const text = `${[header, ...lines].join("\n")}\n`;
    for (const name of ["a.csv", "b.csv"]) writeFileSync(join(inputDir, name), text);
    const flags = ["--max-chunk-bytes", chunkBytes];
    expect(await ingestOnce(database.url, inputDir, flags)).toMatchObject({ exitCode: 0 });
    // And in a later run.
    writeFileSync(join(inputDir, "c.csv"), text);
    expect(await ingestOnce(database.url, inputDir, flags)).toMatchObject({ exitCode: 0 });
    const files = await database.sql`
        select path, state, (select count(*) from ingest.chunks where chunks.file_id = files.file_id) as chunks
        from ingest.files
        order by path`;
    expect([...files]).toEqual([
        { path: "a.csv", state: "merged", chunks },
        { path: "b.csv", state: "skipped", chunks: 0 },
        { path: "c.csv", state: "skipped", chunks: 0 },
    ]);
}
