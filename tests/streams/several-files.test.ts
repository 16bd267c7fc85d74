/** Several streams in one folder: which files are whose. */
import { beforeAll, expect, test } from "bun:test";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodeOfSummary } from "../../src/commands/ingest-output.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { makeFolder, useEmptyDatabase } from "../support/fixture.ts";
import { waitUntil } from "../support/wait-until.ts";
import { declare, makeTable, useSeveralStreams } from "./several-streams.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const orders = declare("orders", "orders-*.csv");
const readings = declare("readings", "inbox/**/*.csv");
const several = useSeveralStreams(database, () => [orders, readings]);

beforeAll(async () => {
    await sql.unsafe(`${makeTable("orders")}; ${makeTable("readings")}; ${makeTable("doubles")}`);
});

test("each stream takes its own, in subfolders too, and the built-in one what is left", async () => {
    several.putNumbers("orders-1.csv", 1, 100);
    several.putNumbers("ORDERS-2.csv.gz.csv", 101, 110);
    several.putNumbers("inbox/a.csv", 1, 20);
    several.putNumbers("inbox/2026/05/b.csv", 21, 30);
    several.putEvents("events.csv", 1, 7);
    // Not theirs: hidden, in the archive, in another folder, behind a link, of another ending.
    several.putNumbers("inbox/.hidden/c.csv", 31, 40);
    several.putNumbers("inbox/_aside/c.csv", 31, 40);
    several.putNumbers("other/orders-9.csv", 901, 910);
    several.put("inbox/notes.txt", "no,word\n77,x\n");
    const elsewhere = makeFolder();
    writeFileSync(join(elsewhere, "d.csv"), "no,word\n78,x\n");
    symlinkSync(elsewhere, join(several.inputDir, "inbox/link"));

    const summary = await several.ingestOnce();

    expect(summary.streams?.map(({ stream, records, files }) => [stream, records.inserted, files!.merged])).toEqual([
        ["orders", 110, 2],
        ["readings", 30, 2],
        ["events", 7, 1],
    ]);
    expect(summary.records).toMatchObject({ read: 147, inserted: 147 });
    expect(await several.count("orders")).toBe(110);
    expect(await several.count("readings")).toBe(30);
    expect(await several.count("events")).toBe(7);
    expect((await several.files()).map(({ stream, path }) => `${stream} ${path}`)).toEqual([
        "orders ORDERS-2.csv.gz.csv",
        "events events.csv",
        "readings inbox/2026/05/b.csv",
        "readings inbox/a.csv",
        "orders orders-1.csv",
    ]);
    expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
    expect((await several.ingestOnce()).records.read).toBe(0);
});

test("a file that two claim is read for neither, says so by both names, and the others go on", async () => {
    const doubles = declare("doubles", "*-1.csv");
    const streams = [
        await applyStream(database.target, orders),
        await applyStream(database.target, doubles),
        eventsStream,
    ];
    several.putNumbers("orders-1.csv", 1, 10);
    several.putNumbers("orders-2.csv", 11, 20);
    several.putNumbers("x-1.csv", 1, 5);
    const before = await several.count("orders");
    const running = several.start({ streams, activeStreams: streams });
    await waitUntil("the others are in", async () => (await several.count("doubles")) === 5);
    await waitUntil("it has failed", async () => (await several.files()).some(({ state }) => state === "failed"));
    const failed = (await several.files()).filter(({ state }) => state === "failed");
    expect(failed).toEqual([
        {
            stream: "doubles",
            path: "orders-1.csv",
            state: "failed",
            problem: "stream_ambiguous",
            detail: expect.stringContaining("doubles (*-1.csv) and orders (orders-*.csv)"),
        },
    ]);
    expect(running.lines.filter((line) => line.includes("matches the files of several streams"))).toEqual([
        expect.stringMatching(/^error: orders-1\.csv matches .*doubles \(\*-1\.csv\) and orders \(orders-\*\.csv\)/),
    ]);
    await running.stop();
    expect(exitCodeOfSummary(await several.ingestOnce({ streams, activeStreams: streams }), 0)).not.toBe(0);
    expect(await several.count("orders")).toBeGreaterThanOrEqual(before);

    // The glob is changed: the file is one stream's now.
    const clear = streams.filter(({ name }) => name !== "doubles");
    await several.ingestOnce({ streams: clear, activeStreams: clear });
    expect(
        (await several.files()).filter(({ path, stream }) => path === "orders-1.csv" && stream === "orders"),
    ).toEqual([expect.objectContaining({ state: "merged" })]);
});

test("a file of no stream's name and of no event's columns says which would be nearest", async () => {
    several.putNumbers("order-3.csv", 1, 2);
    await several.ingestOnce();
    const [file] = (await several.files()).filter(({ path }) => path === "order-3.csv");
    expect(file).toMatchObject({ stream: "events", state: "failed", problem: "header_missing_columns" });
    expect(file!.detail).toContain("No stream claims it; nearest: orders (orders-*.csv).");
});

test("without the built-in stream a file that none claims is shown, and not read", async () => {
    several.putNumbers("order-4.csv", 1, 2);
    several.putNumbers("orders-4.csv", 5001, 5002);
    const streams = several.streams.filter(({ files }) => files !== null);
    const running = several.start({ streams, activeStreams: streams });
    await waitUntil("orders are in", async () => (await sql`select from orders where no = 5002`).length === 1);
    await running.stop();
    expect(running.lines.filter((line) => line.includes("order-4.csv"))).toEqual([
        "warn: order-4.csv is not read. No stream claims it; nearest: orders (orders-*.csv).",
    ]);
    expect((await several.files()).filter(({ path }) => path === "order-4.csv")).toEqual([]);
});

test("a process that runs some of the streams leaves the files of the others to these", async () => {
    several.putNumbers("orders-5.csv", 6001, 6003);
    several.putEvents("e5.csv", 500, 501);
    const events = several.streams.filter(({ files }) => files === null);
    const summary = await several.ingestOnce({ streams: events });
    expect(summary.records).toMatchObject({ read: 2, inserted: 2 });
    expect((await several.files()).filter(({ path }) => path === "orders-5.csv")).toEqual([]);
});

test("archived files keep their subfolder, and files that a crash left aside are put back there", async () => {
    const archiveDir = join(several.inputDir, "inbox", "done");
    several.putNumbers("inbox/x/f.csv", 7001, 7003);
    several.putNumbers(".sluice-leaving-99999/inbox/y/g.csv", 7004, 7006);
    await several.ingestOnce({}, { afterMerge: "archive", archiveDir });
    const day = new Date().toISOString().slice(0, 10);
    expect(existsSync(join(archiveDir, day, "inbox/x/f.csv"))).toBe(true);
    expect(existsSync(join(archiveDir, day, "inbox/y/g.csv"))).toBe(true);
    expect(existsSync(join(several.inputDir, ".sluice-leaving-99999"))).toBe(false);
    // The archive lies in the folder of a stream, and is no input.
    expect((await several.ingestOnce({}, { afterMerge: "archive", archiveDir })).records.read).toBe(0);
});
