/** Files that no declared source fits are read by the defaults, and everybody is told. */
import { beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatStatus } from "../../src/commands/status/format-status.ts";
import { readStatus } from "../../src/operations/status/read-status.ts";
import { headerLine, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const line = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")},view,p,u,2024-01-01 00:00:00,,1\n`;

const database = useEmptyDatabase(import.meta.path);
const dir = useFolder("input");
const inputDir = join(dir, "input");
beforeEach(async () => {
    writeFileSync(join(dir, "config.ts"), 'export default { sources: [{ match: "orders-*.csv" }] };');
});

const put = (name: string, content: string) => writeFileSync(join(inputDir, name), content);
const run = (command: string, ...args: string[]) => runScript(command, [...args, "--database-url", database.url]);
const ingest = () =>
    run("ingest", "--trigger", "available-now", "--input", inputDir, "--config", join(dir, "config.ts"));

test("the log, files, its detail, status and try say so, and not of the others", async () => {
    put("Orders-1.CSV", headerLine + line(1));
    put("sales.csv", headerLine + line(2));
    const { exitCode, stderr } = await ingest();
    expect({ exitCode, stderr }).toMatchObject({
        exitCode: 0,
        stderr: "warning: sales.csv: No source in sluice.config.ts matches its name, so it is read with the defaults.\n",
    });
    const { stdout: listed } = await run("files");
    expect(listed).toMatch(/sales\.csv .*fits no source/);
    expect(listed).not.toMatch(/Orders-1\.CSV .*fits no source/);
    expect((await run("files", "sales.csv")).stdout).toContain("No source in sluice.config.ts matches its name");
    expect((await run("files", "Orders-1.CSV")).stdout).toMatch(/source +orders-\*\.csv/);
    const status = await readStatus(database.sql);
    expect(status.unmatchedFiles).toEqual({ files: 1, lastPath: "sales.csv" });
    expect(formatStatus(status, { color: false }).join("\n")).toContain(
        "no source in sluice.config.ts matches: 1 file",
    );
    const tried = await run("try", join(inputDir, "sales.csv"), "--config", join(dir, "config.ts"));
    expect(tried.stdout).toContain("No source in sluice.config.ts matches its name");
});

test("one that fails for its header names that as the likely cause", async () => {
    put("sales.csv", "id;when\n1;2\n");
    expect((await ingest()).exitCode).toBe(1);
    const [file] = await database.sql`select problem_detail as detail from ingest.files`;
    expect(file!.detail).toContain("No source in sluice.config.ts matches its name");
});

test("many of them are named by the first ten", async () => {
    for (let n = 0; n < 30; n += 1) put(`sales-${n}.csv`, headerLine + line(n));
    const { stderr } = await ingest();
    expect(stderr.trimEnd().split("\n")).toHaveLength(11);
    expect(stderr).toContain("More files match no source");
});

test("without declared sources there is nothing to say", async () => {
    put("sales.csv", headerLine + line(2));
    const { stderr } = await run("ingest", "--trigger", "available-now", "--input", inputDir);
    expect(stderr).toBe("");
    expect((await readStatus(database.sql)).unmatchedFiles).toEqual({ files: 0, lastPath: null });
});
