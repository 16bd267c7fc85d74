import { beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTarget } from "../../src/database/database-target.ts";
import { createTestDatabase } from "../support/database.ts";
import { openDatabaseProxy } from "../support/database-proxy.ts";
import { header, idOf, makeFolder, useDatabase } from "../support/fixture.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { collect, runScript, spawnScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

const record = (n: number, price = "1") => `${idOf(n)},view,p,u,2024-01-01 00:00:00,,${price}`;

const database = useDatabase(import.meta.path);
const dir = makeFolder();

/** By hand: a.csv 3 inserted, 1 duplicate, 1 conflict, 2 rejected; b.csv 1 inserted; bad.csv fails. */
beforeAll(async () => {
    const a = [record(1), record(2), record(3), record(1), record(2, "9"), record(4, "x"), `${record(5, "-1")}`];
    writeFileSync(join(dir, "a.csv"), `${[header, ...a].join("\n")}\n`);
    writeFileSync(join(dir, "b.csv"), `${header}\n${record(6)}\n`);
    writeFileSync(join(dir, "bad.csv"), "this,is,another\n1,2,3\n");
});

const run = (name: string, ...args: string[]) => runScript(name, [...args, "--database-url", database.url]);
const runJson = async (name: string, ...args: string[]) => JSON.parse((await run(name, ...args, "--json")).stdout);

test("an available-now ingest ends with a table that adds up, and says where to look", async () => {
    const { exitCode, stdout, stderr } = await run("ingest", "--trigger", "available-now", "--input", dir);
    const lines = stdout.trimEnd().split("\n");

    expect(exitCode).toBe(1);
    expect(lines.slice(-7, -2)).toEqual([
        "records read  8",
        "= inserted    4  50.0 %",
        "+ duplicate   1  12.5 %",
        "+ conflict    1  12.5 %  → bun run rejects --database-url … --kind conflict",
        "+ rejected    2  25.0 %  → bun run rejects --database-url … --kind rejected",
    ]);
    expect(lines.at(-2)).toBe("files         2 merged, 1 failed → bun run files --database-url … --state failed");
    expect(lines.at(-1)).toMatch(/^batches {7}\d+ in \d+\.\d s, [\d,]+\/s$/);
    expect(`${stdout}${stderr}`).not.toMatch(/[\u001b\r]/);
});

describe("the exit code of an available-now ingest", () => {
    const take = async (files: Record<string, string>) => {
        const folder = makeFolder();
        const own = await createTestDatabase(import.meta.path);
        const ingest = () =>
            runScript("ingest", ["--trigger", "available-now", "--tail-settle", "0", "--input", folder, "--json"], {
                environment: { DATABASE_URL: own.url },
            });
        const write = (more: Record<string, string>) => {
            for (const [name, text] of Object.entries(more)) writeFileSync(join(folder, name), text);
        };
        write(files);
        const first = await ingest();
        return { first, write, ingest, close: own.drop };
    };
    const summaryOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    const lines = (...records: string[]) => `${[header, ...records].join("\n")}\n`;

    test("5 when more than half of the records were rejected or in conflict, 0 when fewer were", async () => {
        const bad = (n: number) => record(n, "x");
        const { first, write, ingest, close } = await take({ "a.csv": lines(bad(1)) });
        expect(first.exitCode).toBe(5);
        write({ "b.csv": lines(record(2), record(3), bad(4), bad(7)) });
        expect((await ingest()).exitCode).toBe(0);
        write({ "c.csv": lines(record(2, "7"), record(3, "7"), record(5)) });
        expect((await ingest()).exitCode).toBe(5);
        expect((await ingest()).exitCode).toBe(0);
        await close();
    }, 60_000);

    test("1 when a file fails, 5 while it stands so, 0 when it is mended", async () => {
        const { first, write, ingest, close } = await take({ "bad.csv": "what,is,this\n1,2,3\n" });
        expect([first.exitCode, summaryOf(first).failedBefore]).toEqual([1, 0]);
        write({ "good.csv": lines(record(1)) });
        const second = await ingest();
        expect([second.exitCode, summaryOf(second).failedBefore, summaryOf(second).files]).toEqual([
            5,
            1,
            { merged: 1, skipped: 0, failed: 0 },
        ]);
        write({ "bad.csv": lines(record(2), record(3)) });
        expect((await ingest()).exitCode).toBe(0);
        await close();
    }, 60_000);
});

test("files: filtered by state and path, one by its path, each as JSON too", async () => {
    const failed = await run("files", "--state", "failed");

    expect(failed.stdout).toMatch(/^ *\d+ +bad\.csv +failed .* header_missing_columns: The header lacks /m);
    expect(failed.stdout).not.toContain("a.csv");
    expect((await runJson("files", "--path", "a.csv")).data).toMatchObject([{ path: "a.csv", loadedRecords: 7 }]);
    const one = await run("files", "a.csv");
    expect(one.stdout).toContain("\nrecords read  7\n= inserted    3  42.9 %\n");
    expect((await runJson("files", "bad.csv")).problem).toBe("header_missing_columns");
    expect(await run("files", "none.csv")).toMatchObject({ exitCode: 1, stdout: "" });
});

test("a page holds so many, and says how to see the next", async () => {
    const first = await runJson("files", "--limit", "2");
    const next = await runJson("files", "--limit", "2", "--before", String(first.nextBefore));
    const paths = [...first.data, ...next.data].map(({ path }) => path);

    expect(first.data).toHaveLength(2);
    expect(next.nextBefore).toBeNull();
    expect(paths.sort()).toEqual(["a.csv", "b.csv", "bad.csv"]);
    expect((await run("files", "--limit", "2")).stdout).toContain(`--before ${first.nextBefore} shows older ones`);
});

test("batches: their counts add up to what was ingested; filtered; one file by file", async () => {
    const { data } = await runJson("batches");
    const sum = (name: string) =>
        data.reduce((total: number, batch: Record<string, number>) => total + batch[name]!, 0);
    const [withRejects] = (await runJson("batches", "--with-rejects")).data;
    const one = await runJson("batches", String(withRejects.batchId));

    expect(["read", "inserted", "duplicate", "conflict", "rejected"].map(sum)).toEqual([8, 4, 1, 1, 2]);
    expect((await runJson("batches", "--kind", "replay")).data).toEqual([]);
    expect(one.files).toContainEqual(expect.objectContaining({ path: "a.csv", conflict: 1, rejected: 2 }));
    expect((await run("batches", String(withRejects.batchId))).stdout).toMatch(/^a\.csv +7 +3 +1 +1 +2$/m);
});

test("rejects: filtered by kind, reason and file, with their reasons counted", async () => {
    const all = await run("rejects");

    expect(all.stdout).toMatch(/^\d+ {2}rejected {2}price_invalid {2}a\.csv:6 {2}/m);
    expect(all.stdout).toContain("Open rejects by reason (3):");
    expect((await runJson("rejects", "--kind", "conflict")).data).toMatchObject([{ recordNo: 5, kind: "conflict" }]);
    expect((await runJson("rejects", "--reason", "price_negative")).data).toMatchObject([{ recordNo: 7 }]);
    expect((await runJson("rejects", "--file", "b.csv")).data).toEqual([]);
});

test.each(["rejects", "replay"])(
    "%s should fail for a reason that does not exist, the near one named",
    async (name) => {
        for (const [reason, fix] of [
            ["price_negatve", "Did you mean price_negative?"],
            ["Event_Id_Conflict", "Did you mean event_id_conflict?"],
            ["bogus", "There are event_id_missing, "],
        ] as const) {
            const { exitCode, stderr } = await run(name, "--reason", reason);
            expect([exitCode, stderr]).toEqual([2, expect.stringContaining(fix)]);
        }
    },
);

test("a limit of nothing should fail with 2", async () => {
    expect((await run("rejects", "--limit", "0")).exitCode).toBe(2);
});

test("status --watch draws over itself on a terminal until Ctrl-C, and is a line of JSON each time in a pipe", async () => {
    const args = ["--watch", "100ms", "--database-url", database.url];
    const drawn = runOnTerminal("status", args);
    await waitUntil("it was drawn three times", () => drawn.output().split("\u001b[H").length > 3);
    drawn.write("\u0003");
    expect(await drawn.exited).toBe(130);
    expect(drawn.output()).toContain("records read  8");

    const piped = spawnScript("status", [...args, "--json"]);
    const stdout = collect(piped.stdout);
    await waitUntil("it has said two lines", () => stdout.text().split("\n").length > 2);
    piped.kill();
    await piped.exited;
    const [first] = stdout.text().split("\n");
    expect(JSON.parse(first!)).toMatchObject({ totals: { read: 8 } });
});

test("status --watch says that the database is unreachable, and since when, and goes on when it is back", async () => {
    const proxy = await openDatabaseProxy(database.target);
    const args = ["--watch", "100ms", "--json", "--database-url", makeTarget(proxy.target).url];
    const watching = spawnScript("status", args);
    const stdout = collect(watching.stdout);
    const states = () =>
        stdout
            .text()
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line).state as string);
    try {
        await waitUntil("it shows the status", () => states().length > 0);
        proxy.takeDown();
        await waitUntil("it says so", () => states().at(-1) === "database_away");
        await proxy.mend();
        await waitUntil("it shows the status again", () => states().at(-1) !== "database_away");
    } finally {
        watching.kill();
        await Promise.all([watching.exited, stdout.ended]);
        await proxy.close();
    }
    expect(states()[0]).not.toBe("database_away");
});

test("colours on a terminal, none with --no-color or NO_COLOR or in a dumb one, and none of it in a pipe", async () => {
    const args = ["--database-url", database.url];
    const colored = async (flags: string[], environment: Record<string, string> = {}) => {
        const shown = runOnTerminal("status", [...args, ...flags], { environment });
        await shown.exited;
        await waitUntil("it is whole", () => shown.output().includes("Most frequent reject reasons"));
        return shown.output().includes("\u001b[3");
    };

    expect(await colored([])).toBe(true);
    expect(await colored(["--no-color"])).toBe(false);
    expect(await colored([], { NO_COLOR: "1" })).toBe(false);
    expect(await colored([], { TERM: "dumb" })).toBe(false);
    expect((await runScript("status", args)).stdout).not.toContain("\u001b");
    expect((await runScript("status", args, { environment: { CI: "true" } })).stdout).not.toContain("\u001b");
});

test("an ingest at a terminal shows how far it is, and leaves nothing of that behind", async () => {
    const many = makeFolder();
    const lines = Array.from({ length: 40_000 }, (_, index) => record(1000 + index));
    writeFileSync(join(many, "many.csv"), `${[header, ...lines].join("\n")}\n`);
    const flags = ["--trigger", "available-now", "--max-chunk-bytes", "64KiB", "--max-batch-records", "2000"];
    const shown = runOnTerminal("ingest", [...flags, "--input", many, "--database-url", database.url], {
        columns: 120,
    });
    expect(await shown.exited).toBe(0);
    await waitUntil("it is whole", () => /batches .*\/s/.test(shown.output()));

    expect(shown.output()).toMatch(/ingest {2}[█░]+ +\d+ % {2}[\d,]+ of (about )?[\d,]+ records/);
    const left = shown
        .output()
        .split("\r\n")
        .map((line) => line.split("\u001b[2K").at(-1)!);
    expect(left.filter((line) => line.includes("█"))).toEqual([]);
    expect(left).toContain("records read  40,000");
}, 60_000);

test("should fail, and change nothing, for a replay that replaces events where nobody can be asked", async () => {
    const stored = () => database.sql`select event_id, price, chunk_id, record_no from events order by event_id`;
    const before = await stored();
    for (const input of ["", "y\n", "yes\nyes\n"]) {
        for (const more of [[], ["--json"], ["--reason", "event_id_conflict"], ["--file", "a.csv"]]) {
            const args = ["--accept-conflicts", ...more, "--database-url", database.url];
            const { exitCode, stderr } = await runScript("replay", args, { input });
            expect([exitCode, stderr]).toEqual([2, expect.stringContaining("confirmation_needed")]);
        }
    }
    expect(await stored()).toEqual(before);
    expect((await runJson("replay", "--accept-conflicts", "--dry-run")).displaced).toBe(1);
    expect(await stored()).toEqual(before);
}, 60_000);

test("a replay that replaces events says how many and asks, at a terminal", async () => {
    const args = ["--accept-conflicts", "--database-url", database.url];
    const priceOf = async () => (await database.sql`select price from events where event_id = ${idOf(2)}`)[0]!.price;
    const answerWith = async (answer: string) => {
        const replay = runOnTerminal("replay", args);
        await waitUntil("it asks", () => replay.output().includes("Go on? [y/N] "));
        expect(replay.output()).toContain("1 stored row will be replaced");
        replay.write(`${answer}\n`);
        return await replay.exited;
    };

    expect([await answerWith("n"), await priceOf()]).toEqual([1, "1.00"]);
    expect([await answerWith("y"), await priceOf()]).toEqual([0, "9.00"]);
});
