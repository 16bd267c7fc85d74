/** Declared streams whose table cannot be taken when the ingest starts: they begin blocked, and the others work. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { headerLine, idOf, useEmptyDatabase } from "../support/fixture.ts";
import { startIngest } from "../support/ingest-process.ts";
import { waitUntil } from "../support/wait-until.ts";
import { makeTable, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(60_000);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
beforeEach(async () => {
    await sql.unsafe(`drop table if exists public.calm, public.late; ${makeTable("calm")}`);
});
const several = useSeveralStreams(database, () => []);

function run(...flags: string[]) {
    const cwd = dirname(several.inputDir);
    mkdirSync(join(cwd, "streams"));
    for (const name of ["calm", "late"]) {
        writeFileSync(
            join(cwd, "streams", `${name}.ts`),
            `export default { files: "${name}*.csv", table: "public.${name}" };`,
        );
    }
    several.putNumbers("calm.csv", 1, 3);
    several.putNumbers("late.csv", 1, 4);
    several.put("events.csv", `${headerLine}${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1\n`);
    return startIngest(database.url, several.inputDir, ["--tail-settle", "0", ...flags], { cwd });
}
const problemOf = async (name: string) =>
    (await sql`select problem, problem_detail as detail from ingest.streams where name = ${name}`)[0];

test("a missing table blocks its stream with the remedy, and it comes by itself when the table is there", async () => {
    const ingest = run("--trigger", "200ms");
    await waitUntil("the others are in", async () => (await several.count("calm")) === 3);
    await waitUntil("events are in", async () => (await several.count("events")) === 1);
    await waitUntil("it says why it waits", async () => (await problemOf("late"))?.problem === "table_missing");
    expect((await problemOf("late"))!.detail).toContain("public.late");

    await sql.unsafe(makeTable("late"));
    await waitUntil("it has come", async () => (await several.count("late")) === 4);
    await waitUntil("it has no problem", async () => (await problemOf("late"))?.problem === null);
    const { stderr } = await ingest.stop();
    expect(stderr).toMatch(/late: The tables have changed .*public\.late/);
});

test("one that takes what is there does the others' work, and exits as failed", async () => {
    const { exitCode, summary } = await run("--trigger", "available-now").finish();
    expect(exitCode).toBe(1);
    expect(summary?.records.inserted).toBe(4);
    const late = summary?.streams?.find(({ stream }) => stream === "late");
    expect(late?.problem).toContain("public.late");
});

test("should fail at once when it is the only one", async () => {
    const { exitCode, stderr } = await run("--trigger", "available-now", "--stream", "late").finish();
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("table_missing");
});
