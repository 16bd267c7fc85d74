/** A chunk holds no more records than a merge may take, however short they are. */
import { describe, expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadAll } from "../../src/engine/load/load-files.ts";
import { createLoader } from "../../src/engine/load/loader.ts";
import { createMerger } from "../../src/engine/merge/merge-batch.ts";
import { headerLine, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { discoverAll, openTestIngest } from "./ingest-context.ts";

const database = useEmptyDatabase(import.meta.path);
const dir = useFolder();

const goodLine = (no: number) =>
    `00000000-0000-4000-8000-${String(no).padStart(12, "0")},view,p,u,2024-01-31 12:00:00,1,2\n`;
const lines = (count: number, line: (no: number) => string) =>
    Array.from({ length: count }, (_, no) => line(no)).join("");

const ingest = () => ingestFolder(database.target, dir, { maxBatchRecords: 1_000, tailSettleMs: 0 });

async function chunks(): Promise<{ records: number }[]> {
    return await database.sql<{ records: number }[]>`
        select records from ingest.chunks order by chunk_id`;
}

async function largestBatch(): Promise<number> {
    const [row] = await database.sql<{ read: number }[]>`select max(read)::int as read from ingest.batches`;
    return row!.read;
}

const thousands = (last: number) => [1_000, 1_000, 1_000, 1_000, ...(last > 0 ? [last] : [])];

describe("a chunk ends behind as many records as a merge may take,", () => {
    test.each([
        ["lines of one byte", "a.csv", headerLine + lines(4_321, () => "x\n"), 4_321],
        ["good records", "a.csv", headerLine + lines(4_321, goodLine), 4_321],
        ["no more than fill the last chunk", "a.csv", headerLine + lines(4_000, goodLine), 4_000],
        ["blank lines between them", "a.csv", headerLine + lines(4_321, (no) => `${goodLine(no)}\n\r\n`), 4_321],
        ["no line end at the end", "a.csv", headerLine + lines(4_321, goodLine).slice(0, -1), 4_321],
        ["too many columns to go verbatim", "a.csv", tooManyColumns(4_321), 4_321],
        ["UTF-16", "a.csv", Buffer.from(`\ufeff${headerLine}${lines(4_321, goodLine)}`, "utf16le"), 4_321],
        ["gzip", "a.csv.gz", gzipSync(headerLine + lines(4_321, () => "x\n")), 4_321],
    ] as [string, string, string | Buffer, number][])("of a file with %s", async (_, name, content, count) => {
        writeFileSync(join(dir, name), content);
        expect(await ingest()).toMatchObject({ files: { merged: 1, skipped: 0, failed: 0 } });

        expect((await chunks()).map(({ records }) => records)).toEqual(thousands(count - 4_000));
        expect(await largestBatch()).toBeLessThanOrEqual(1_000);
        await expectChecksToPass(database.sql);
    });

    test("of a file that grows, and what is no longer one chunk is still known as a copy", async () => {
        writeFileSync(join(dir, "a.csv"), headerLine + lines(1_500, goodLine));
        await ingest();
        appendFileSync(
            join(dir, "a.csv"),
            lines(1_500, (no) => goodLine(1_500 + no)),
        );
        await ingest();
        expect((await chunks()).map(({ records }) => records)).toEqual([1_000, 500, 1_000, 500]);

        writeFileSync(join(dir, "b.csv"), headerLine + lines(3_000, goodLine));
        expect(await ingest()).toMatchObject({ files: { merged: 0, skipped: 1, failed: 0 } });
    });

    test("in the order of the files, small ones among them", async () => {
        writeFileSync(join(dir, "a.csv"), headerLine + goodLine(1));
        writeFileSync(join(dir, "b.csv"), headerLine + lines(2_500, () => "x\n"));
        writeFileSync(join(dir, "c.csv"), headerLine + goodLine(2));
        await ingest();
        expect((await chunks()).map(({ records }) => records)).toEqual([1, 1_000, 1_000, 500, 1]);
    });

    test("and is staged again as it was, whatever a merge may take by then", async () => {
        const { context, inputDir, close } = await openTestIngest(database, {
            maxBatchRecords: 1_000,
            tailSettleMs: 0,
        });
        try {
            const loader = createLoader(context);
            writeFileSync(join(inputDir, "a.csv"), headerLine + lines(2_500, goodLine));
            await discoverAll(loader);
            await loadAll(loader);
            await database.sql`truncate ingest.staging`;
            context.config.maxBatchRecords = 300;
            const merger = createMerger(context);
            for (let round = 0; round < 20; round += 1) {
                await merger.merge(0xffff);
                await loadAll(loader);
            }
            expect((await chunks()).map(({ records }) => records)).toEqual([1_000, 1_000, 500]);
            const [row] = await database.sql`select count(*)::int as events from events`;
            expect(row).toEqual({ events: 2_500 });
        } finally {
            await close();
        }
    });
});

/** Seventeen unknown columns: more than staging has room for. */
function tooManyColumns(count: number): string {
    const names = Array.from({ length: 17 }, (_, no) => `x${no}`).join(",");
    return `${headerLine.trimEnd()},${names}\n${lines(count, (no) => `${goodLine(no).trimEnd()}${",1".repeat(17)}\n`)}`;
}
