/** A run that ends leaves alone what may still be written: by the files' own times, and says so. */
import { afterEach, describe, expect, test } from "bun:test";
import { appendFileSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileAgeMs } from "../../src/engine/discover/file-age.ts";
import { headerLine, makeFolder, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { type IngestOverrides, ingestFolder } from "../support/ingest-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

const line = (n: number, price = "1.00") =>
    `00000000-0000-4000-8000-${String(n).padStart(12, "0")},view,p,u,2024-01-01 00:00:00,,${price}\n`;
const cut = (n: number) => line(n, "1234").slice(0, -3);

const database = useEmptyDatabase(import.meta.path);
const inputDir = useFolder();
let running: IngestProcess | null = null;
afterEach(() => {
    running?.kill("SIGKILL");
    running = null;
});

const at = (name: string) => join(inputDir, name);
const put = (name: string, content: string | Uint8Array) => writeFileSync(at(name), content);
/** As if it had last been written so many seconds ago; negative in the future. */
const age = (name: string, seconds: number) => {
    const time = Date.now() / 1000 - seconds;
    utimesSync(at(name), time, time);
};
const ingest = (overrides: IngestOverrides = {}) =>
    ingestFolder(database.target, inputDir, { tailSettleMs: 10_000, ...overrides });
const prices = async () => (await database.sql`select price from events order by event_id`).map(({ price }) => price);
const left = { tails: 0, files: 0, merged: 0, youngerThanMs: 10_000 };

describe("an unfinished last record", () => {
    test("that was just written is left to the next run, and then taken as it was meant", async () => {
        put("a.csv", headerLine + line(1) + cut(2));
        const first = await ingest();
        expect(first).toMatchObject({ records: { read: 1, inserted: 1 }, left: { ...left, tails: 1 } });
        appendFileSync(at("a.csv"), "34\n");
        const second = await ingest();
        expect(second).toMatchObject({ records: { read: 1, inserted: 1, conflict: 0 }, left });
        expect(await prices()).toEqual(["1.00", "1234.00"]);
    });

    test("never becomes an event of its own where the id is derived from the record", async () => {
        const sources = [{ match: "*.csv", deriveEventId: { from: "record" as const } }];
        put("a.csv", "event_type,product_id,user_id,event_timestamp,price\nview,p,u,2024-01-01 00:00:00,12");
        expect(await ingest({ sources })).toMatchObject({ records: { read: 0 }, left: { ...left, files: 1 } });
        appendFileSync(at("a.csv"), "34\n");
        await ingest({ sources });
        expect(await prices()).toEqual(["1234.00"]);
    });

    test.each([
        ["behind an open quote", `${headerLine}${line(1)}"x,\n`],
        ["within a header", headerLine.slice(0, -6)],
        ["where lone carriage returns end the lines", (headerLine + line(1) + cut(2)).replaceAll("\n", "\r")],
        ["of UTF-16", `\ufeff${headerLine}${line(1)}${cut(2)}`],
    ])("%s waits too", async (what, content) => {
        put("a.csv", what === "of UTF-16" ? Buffer.from(content, "utf16le") : content);
        const { left: leftNow, records } = await ingest();
        expect(leftNow!.tails + leftNow!.files).toBe(1);
        expect(records.rejected).toBe(0);
    });

    test("is taken at once when its file is old enough, or with --tail-settle 0", async () => {
        put("old.csv", headerLine + line(1) + cut(2));
        age("old.csv", 11);
        expect(await ingest()).toMatchObject({ records: { inserted: 2 }, left });
        put("young.csv", headerLine + line(3) + cut(4));
        expect(await ingest({ tailSettleMs: 0 })).toMatchObject({ records: { inserted: 2 } });
    });

    test("of a file from tomorrow waits no longer than of another: the kernel's time answers for it", async () => {
        put("a.csv", headerLine + line(1) + cut(2));
        age("a.csv", -86_400);
        expect((await ingest()).left).toEqual({ ...left, tails: 1 });
        await Bun.sleep(400);
        expect(await ingest({ tailSettleMs: 300 })).toMatchObject({ records: { inserted: 1 }, left: { tails: 0 } });
    });

    test("left by one run and old by the next is taken by that", async () => {
        put("a.csv", headerLine + line(1) + cut(2));
        await ingest();
        age("a.csv", 60);
        expect(await ingest()).toMatchObject({ records: { inserted: 1 }, left });
    });
});

describe("a compressed file", () => {
    test("that was just written is left whole, and taken once it is old enough", async () => {
        put("a.csv.gz", gzipSync(headerLine + line(1)));
        put("b.csv", headerLine + line(2));
        expect(await ingest()).toMatchObject({ records: { inserted: 1 }, left: { ...left, files: 1 } });
        age("a.csv.gz", 11);
        expect(await ingest()).toMatchObject({ records: { inserted: 1 }, left });
    });

    test("is left without keeping the many behind it waiting", async () => {
        for (let n = 0; n < 600; n += 1) put(`${String(n).padStart(3, "0")}.csv.gz`, gzipSync(headerLine + line(n)));
        put("z.csv", headerLine + line(1_000));
        expect(await ingest()).toMatchObject({ records: { inserted: 1 }, left: { ...left, files: 600 } });
    });
});

test("a merged file that was just written stays in the folder, and leaves with the run that finds it old enough", async () => {
    put("a.csv", headerLine + line(1));
    expect(await ingest({ afterMerge: "delete" })).toMatchObject({
        records: { inserted: 1 },
        left: { ...left, merged: 1 },
    });
    expect(readdirSync(inputDir)).toEqual(["a.csv"]);
    appendFileSync(at("a.csv"), line(2));
    age("a.csv", 11);
    expect(await ingest({ afterMerge: "delete" })).toMatchObject({ records: { inserted: 1 }, left });
    expect(readdirSync(inputDir)).toEqual([]);
});

test("a folder is the same one by a link to it, by a link in its path, and by another way to write it", async () => {
    running = startIngest(database.url, inputDir, ["--trigger", "50ms"]);
    await waitUntil("it is there", async () => (await database.sql`select from ingest.workers`).length > 0);
    const links = makeFolder();
    symlinkSync(inputDir, join(links, "folder"));
    symlinkSync(join(inputDir, ".."), join(links, "parent"));
    for (const way of [
        join(links, "folder"),
        join(links, "parent", basename(inputDir)),
        `${inputDir}/../${basename(inputDir)}/`,
    ]) {
        const { exitCode, stderr } = await ingestOnce(database.url, way);
        expect({ way, exitCode, stderr }).toEqual({ way, exitCode: 0, stderr: "" });
    }
    running.kill("SIGTERM");
    await running.finish();
});

describe("beside an ingest that watches", () => {
    const watchFlags = ["--trigger", "50ms", "--tail-settle", "60s"];

    test("a run that ends does not take the tails that the other waits for, nor wait for them", async () => {
        running = startIngest(database.url, inputDir, watchFlags);
        await waitUntil("it is there", async () => (await database.sql`select from ingest.workers`).length > 0);
        put("a.csv", headerLine + line(1) + cut(2));
        put("b.csv.gz", gzipSync(headerLine + line(3)));
        const { exitCode, summary } = await ingestOnce(database.url, inputDir, ["--tail-settle", "60s"]);
        expect({ exitCode, left: summary!.left }).toEqual({
            exitCode: 0,
            left: { ...left, tails: 1, files: 1, youngerThanMs: 60_000 },
        });
        expect(await prices()).toEqual(["1.00"]);
        appendFileSync(at("a.csv"), "34\n");
        await waitUntil("it is whole", async () => (await prices()).length === 2);
        expect(await prices()).toEqual(["1.00", "1234.00"]);
        running.kill("SIGTERM");
        await running.finish();
    });
});

test("the summary says what was left and how to take it, and the run is done all the same", async () => {
    put("a.csv", headerLine + line(1) + cut(2));
    put("b.csv.gz", gzipSync(headerLine + line(3)));
    const args = ["--trigger", "available-now", "--input", inputDir, "--database-url", database.url, "--check"];
    const { exitCode, stdout } = await runScript("ingest", args);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
        "the unfinished last record of 1 file, 1 unfinished file: changed less than 10 s ago" +
            " → run again, or with --tail-settle 0 to take everything now",
    );
});

describe("how long a file has been still", () => {
    const ns = (ms: number) => BigInt(ms) * 1_000_000n;
    test.each([
        ["since its mtime", 4_000, 9_000, 6_000],
        ["since its ctime, when its mtime is to come", 99_000, 9_000, 1_000],
        ["not at all, when a clock is ahead by a moment", 11_000, 11_000, 0],
        ["nobody knows, when both are to come", 99_000, 99_000, null],
    ] as const)("%s", (_, mtimeMs, ctimeMs, expected) => {
        expect(fileAgeMs({ mtimeNs: ns(mtimeMs), ctimeNs: ns(ctimeMs) }, 10_000)).toBe(expected);
    });
});
