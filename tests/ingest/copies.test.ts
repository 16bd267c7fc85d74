/** Copies are files of which nothing is in the ledger yet, and are skipped whatever their size. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headerLine, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

setDefaultTimeout(testTimeoutMs);

const content = `${headerLine}00000000-0000-4000-8000-000000000001,view,p,u,2024-01-01 00:00:00,,1\n`;
/** A header that could be whole: all required columns are in it. */
const unfinished = content.slice(0, content.indexOf(",quantity"));

const database = useEmptyDatabase(import.meta.path);
const inputDir = useFolder();

// Found by `bun run test:faults`, seed 794457949.
test("a file whose unfinished header was taken, and that then grows into what another file says, is read to its end", async () => {
    writeFileSync(join(inputDir, "original.csv"), content);
    writeFileSync(join(inputDir, "slow.csv"), unfinished);
    await ingestFolder(database.target, inputDir);
    appendFileSync(join(inputDir, "slow.csv"), content.slice(unfinished.length));
    const { records, files } = await ingestFolder(database.target, inputDir);

    expect(records).toMatchObject({ read: 1, inserted: 0, duplicate: 1, conflict: 0, rejected: 0 });
    expect(files).toEqual({ merged: 1, skipped: 0, failed: 0 });
});

const record = (no: number, userId = "u") =>
    `00000000-0000-4000-8000-${String(no).padStart(12, "0")},view,p,${userId},2024-01-31 12:00:00,,\n`;
const records = (count: number) => Array.from({ length: count }, (_, no) => record(no));

// Found by `bun run test:faults`, seed 765775463: those of the second and the fourth were loaded.
test.each([
    ["that is smaller than a chunk", records(10), 1024, 1],
    // The last record crosses the bound and belongs to the chunk.
    ["that is larger than a chunk, and one all the same", [...records(13), record(99, "u".repeat(95))], 1024, 1],
    ["of several chunks", records(60), 1024, 4],
    ["of more than a megabyte that is one chunk", records(16_000), 16 * 1024 * 1024, 1],
] as const)(
    "a copy of a file %s is skipped, in the same run and in a later one",
    async (_, lines, maxChunkBytes, chunks) => {
        const text = headerLine + lines.join("");
        for (const name of ["a.csv", "b.csv"]) writeFileSync(join(inputDir, name), text);
        await ingestFolder(database.target, inputDir, { maxChunkBytes });
        writeFileSync(join(inputDir, "c.csv"), text);
        await ingestFolder(database.target, inputDir, { maxChunkBytes });
        const files = await database.sql`
        select path, state, (select count(*) from ingest.chunks where chunks.file_id = files.file_id) as chunks
        from ingest.files
        order by path`;
        expect([...files]).toEqual([
            { path: "a.csv", state: "merged", chunks },
            { path: "b.csv", state: "skipped", chunks: 0 },
            { path: "c.csv", state: "skipped", chunks: 0 },
        ]);
    },
);

test.each([
    ["one small file", 16 * 1024 * 1024],
    ["a file of several chunks", 64],
])("a copy of %s, records of which stand rejected, says what judges them again", async (_, maxChunkBytes) => {
    const text = `${headerLine}${record(1)}${record(2).replace("view", "wish")}${record(3).replace("view", "gift")}`;
    writeFileSync(join(inputDir, "a.csv"), text);
    await ingestFolder(database.target, inputDir, { maxChunkBytes });
    writeFileSync(join(inputDir, "b.csv"), text);
    await ingestFolder(database.target, inputDir, { maxChunkBytes });
    const [copy] = await database.sql`select problem_detail as detail from ingest.files where path = 'b.csv'`;
    expect(copy!.detail).toBe(
        "Its content equals that of a.csv, which is merged. 2 of its records are rejected: " +
            "`bun run replay --file a.csv` validates them again.",
    );
    await database.sql`update ingest.rejects set resolved_by_batch = 1`;
    writeFileSync(join(inputDir, "c.csv"), text);
    await ingestFolder(database.target, inputDir, { maxChunkBytes });
    const [resolved] = await database.sql`select problem_detail as detail from ingest.files where path = 'c.csv'`;
    expect(resolved!.detail).toBe("Its content equals that of a.csv, which is merged.");
});
