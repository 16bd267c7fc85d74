/** The commands on a stream without a key. */
import { beforeAll, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeReadings, readReadings } from "../support/append.ts";
import { useDatabase, useFolder } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;
const folder = useFolder("inbox", "streams");
const run = (name: string, ...args: string[]) =>
    runScript(name, [...args, "--database-url", database.url], { cwd: folder });
const ingest = (...args: string[]) =>
    run("ingest", "--input", "inbox", "--trigger", "available-now", "--tail-settle", "0", ...args);
const write = (name: string, ...lines: string[]) =>
    writeFileSync(join(folder, "inbox", name), ["meter,word", ...lines, ""].join("\n"));

beforeAll(() => makeReadings(sql));
beforeEach(async () => {
    await sql`select from ingest.reset()`;
    await sql`truncate readings`;
    write("1.csv", "1,a", "1,a", "x,b");
});

test("ingest refuses the table and names the mode that takes it; then it takes it", async () => {
    const refused = await ingest("--table", "readings");
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain("table_without_key");
    expect(refused.stderr).toContain("--mode append");
    const taken = await ingest("--table", "readings", "--mode", "append", "--check");
    expect(taken.stdout).toMatch(/3 read = 2 inserted .* 1 rejected/);
    expect(taken.exitCode).toBe(0);
    expect(await readReadings(sql)).toEqual(["1 a", "1 a"]);
});

test("a mode is of a table that is named", async () => {
    const { exitCode, stderr } = await ingest("--mode", "append");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--mode is of the table that --table names");
});

test("try, trace, contract and reset know that there is no key", async () => {
    await ingest("--table", "readings", "--mode", "append");
    write("2.csv", "2,c");
    expect((await run("try", "--stream", "readings", "inbox/2.csv")).stdout).toMatch(/1 read = 1 inserted/);

    const byKey = await run("trace", "1", "--stream", "readings");
    expect(byKey.stderr).toContain("readings has no key: its records are traced by file and number.");
    const rejected = await run("trace", "1.csv:3", "--stream", "readings");
    expect(rejected.stdout).toContain("meter_invalid");
    const row = await run("trace", "1.csv:1", "--stream", "readings");
    expect(row.exitCode).toBe(0);

    const contract = JSON.parse((await run("contract", "readings", "--json")).stdout);
    expect(contract).toMatchObject({ mode: "append", key: [] });
    expect(contract.codes.map(({ code }: { code: string }) => code)).toContain("tail_continued");

    const reset = await run("reset", "--stream", "readings", "--yes");
    expect(reset.stdout).toContain("each of their records becomes a further row");
    expect(await readReadings(sql)).toEqual(["1 a", "1 a"]);
});

test("add writes the declaration, for a table and from a file alone; a key has no meaning", async () => {
    const ofTable = await run(
        "add",
        "inbox/1.csv",
        "--input",
        "inbox",
        "--table",
        "readings",
        "--mode",
        "append",
        "--print",
    );
    expect(ofTable.stdout).toContain('mode: "append"');
    const ofFile = await run("add", "inbox/1.csv", "--input", "inbox", "--name", "logs", "--mode", "append", "--print");
    expect(ofFile.stdout).toContain('mode: "append"');
    expect(ofFile.stdout).not.toContain("primary key");
    const keyed = await run("add", "inbox/1.csv", "--input", "inbox", "--mode", "append", "--key", "meter");
    expect(keyed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--key has no meaning") });
});
