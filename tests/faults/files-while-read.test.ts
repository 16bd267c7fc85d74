/**
 * Files that change in the very moment in which they are read: the ingest is frozen in the middle of its COPY, the file
 * is changed, the ingest goes on. Good records of other files are never kept out, and nothing is lost silently
 * (promises 2, 3, 6 and 8).
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
    appendFileSync,
    chmodSync,
    mkdirSync,
    renameSync,
    rmSync,
    symlinkSync,
    truncateSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { headerLine, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { type FinishedIngest, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expectSound, readCounts, readFileStates } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";
import { isFrozen } from "./strike.ts";

setDefaultTimeout(testTimeoutMs);

const record = (n: number, price: string) => `${idOf(n)},purchase,p1,u1,2024-05-01 10:00:00,1,${price}\n`;
const records = (from: number, to: number, price = "1.00") =>
    Array.from({ length: to - from + 1 }, (_, index) => record(from + index, price)).join("");
/** Three reads of a megabyte: the second is in the middle. */
const many = 30_000;
const content = headerLine + records(1, many);
const goodRecords = 10;

const database = useEmptyDatabase(import.meta.path);
const folder = useFolder("input");
const inputDir = join(folder, "input");

const at = (name: string) => join(inputDir, name);

/** An ingest of a large file and of a good one behind it; `change` happens while the large one is half read. */
async function changeWhileRead(change: () => void): Promise<FinishedIngest> {
    writeFileSync(at("a.csv"), content);
    writeFileSync(at("b.csv"), headerLine + records(900_001, 900_000 + goodRecords));
    const child = startIngest(database.url, inputDir, ["--trigger", "available-now"], {
        environment: { FAULT_AT: "in-copy:2", FAULT_ACTION: "freeze" },
    });
    await waitUntil("it is frozen while it reads", () => child.stderr().includes("in-copy:2") && isFrozen(child.pid));
    change();
    child.kill("SIGCONT");
    return await child.finish();
}

/** Looked at again by as many runs as it takes until nothing is left to do. */
async function ingestUntilStill(): Promise<Record<string, string>> {
    await waitUntil("nothing is left to do", async () => {
        await database.sql`update ingest.files set next_attempt_at = clock_timestamp() where next_attempt_at is not null`;
        return (await ingestOnce(database.url, inputDir)).batches.length === 0;
    });
    return await readFileStates(database.sql);
}

async function expectGood(): Promise<void> {
    const [good] = await database.sql<{ events: number }[]>`
        select count(*) as events from public.events where event_id >= '00000000-0000-4000-8000-000000900001'`;
    expect(good!.events).toBe(goodRecords);
    await expectSound(database.sql);
}

describe("a file that is, while it is read,", () => {
    const kept = (headerLine + records(1, 1_000)).length;
    const replace = () => {
        writeFileSync(join(folder, "new"), headerLine + records(many + 1, many + 300));
        renameSync(join(folder, "new"), at("a.csv"));
    };
    test.each([
        ["cut short is read anew: no record beyond its new end counts", () => truncateSync(at("a.csv"), kept), 1_000],
        [
            "appended to is read to its new end",
            () => appendFileSync(at("a.csv"), records(many + 1, many + 500)),
            many + 500,
        ],
        ["replaced by another of its name is there, and so is the other", replace, many + 300],
        ["deleted is there whole: it was open", () => rmSync(at("a.csv")), many],
        ["made unreadable is there whole: it was open", () => chmodSync(at("a.csv"), 0), many],
    ] as const)("%s, each record once", async (_, change, inserted) => {
        const { exitCode } = await changeWhileRead(change);
        if (inserted === many) expect(exitCode).toBe(0);
        expect(await ingestUntilStill()).toEqual({ "a.csv": "merged", "b.csv": "merged" });
        const all = inserted + goodRecords;
        expect(await readCounts(database.sql)).toMatchObject({ inserted: all, conflict: 0, rejected: 0 });
        if (change !== replace) expect((await readCounts(database.sql)).read).toBe(all);
        await expectGood();
    });

    test("rewritten in place shows in the end what it holds, as events or as conflicts", async () => {
        await changeWhileRead(() => writeFileSync(at("a.csv"), headerLine + records(1, many, "2.00")));
        expect(await ingestUntilStill()).toEqual({ "a.csv": "merged", "b.csv": "merged" });
        const [row] = await database.sql<{ told: number }[]>`
            select count(distinct told.event_id) as told
            from (
                select event_id::text from public.events where price = 2.00
                union all
                select record ->> 'event_id' from ingest.rejects where kind = 'conflict' and record ->> 'price' = '2.00'
            ) as told`;
        expect(row!.told).toBe(many);
        await expectGood();
    });

    test("renamed is there once, under either name", async () => {
        await changeWhileRead(() => renameSync(at("a.csv"), at("c.csv")));
        const states = await ingestUntilStill();
        expect(states).toMatchObject({ "a.csv": "merged", "b.csv": "merged" });
        // A copy, or read again, and then all of it is duplicates.
        expect(states["c.csv"]).toMatch(/^(skipped copy|merged)$/);
        expect(await readCounts(database.sql)).toMatchObject({
            inserted: many + goodRecords,
            conflict: 0,
            rejected: 0,
        });
        await expectGood();
    });

    test.each([
        ["a symbolic link", "failed not_a_regular_file", () => symlinkSync("/etc/hostname", at("a.csv"))],
        ["a FIFO", "failed not_a_regular_file", () => expect(Bun.spawnSync(["mkfifo", at("a.csv")]).exitCode).toBe(0)],
        ["a directory", "merged", () => mkdirSync(at("a.csv"))],
    ])("replaced by %s is there whole, and what came is left alone (%s)", async (_, state, make) => {
        const { exitCode } = await changeWhileRead(() => {
            rmSync(at("a.csv"));
            make();
        });
        expect(exitCode).toBe(0);
        expect(await ingestUntilStill()).toEqual({ "a.csv": state, "b.csv": "merged" });
        expect(await readCounts(database.sql)).toMatchObject({ inserted: many + goodRecords });
        await expectGood();
    });
});

test("an input folder that is removed while one of its files is read, and comes back empty, costs nothing", async () => {
    await changeWhileRead(() => {
        rmSync(inputDir, { recursive: true });
        mkdirSync(inputDir);
        writeFileSync(at("b.csv"), headerLine + records(900_001, 900_000 + goodRecords));
    });
    expect(await ingestUntilStill()).toEqual({ "a.csv": "merged", "b.csv": "merged" });
    expect(await readCounts(database.sql)).toMatchObject({ inserted: many + goodRecords });
    await expectGood();
});
