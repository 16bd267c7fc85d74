import { expect, test } from "bun:test";
import { basename } from "node:path";
import { Glob } from "bun";
import { useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";

const database = useDatabase(import.meta.path);
const checkNames = [...new Glob("sql/**/checks/*.sql").scanSync(projectDir)]
    .map((file) => basename(file, ".sql"))
    .sort();

const check = (...args: string[]) => runScript("check", ["--database-url", database.url, ...args]);

test("a database where everything adds up passes every check, with 0", async () => {
    const { exitCode, stdout, stderr } = await check();
    const lines = stdout.trimEnd().split("\n");

    expect(lines.slice(0, -1).map((line) => /^ok {4}(\w+): [A-Z]/.exec(line)?.[1])).toEqual(checkNames);
    expect(lines.at(-1)).toMatch(new RegExp(`^${checkNames.length} passed, 0 failed in `));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
});

test("a database that is corrupt fails, with 1: the check, how many rows break it, five of them", async () => {
    await database.sql`
        insert into ingest.event_stats (grain, bucket, event_type, events, quantity, revenue)
        select 'day', '2026-01-01 00:00:00+00'::timestamptz + day * interval '1 day', 'view', 7, 0, 0
        from generate_series(1, 7) as day`;
    const { exitCode, stdout } = await check();

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}recount_rollups: The rollups equal a recount of events/m);
    expect(stdout).toMatch(/^ {8}7 rows break it:\n( {8}\{.*\}\n){5} {8}… and 2 more\n/m);
    expect(stdout).toContain(`${checkNames.length - 1} passed, 1 failed in `);
});

test("--json says the same, one object alone on stdout", async () => {
    const { exitCode, stdout } = await check("--json");
    const report = JSON.parse(stdout);
    const broken = report.checks.filter((result: { passed: boolean }) => !result.passed);

    expect(exitCode).toBe(1);
    expect(report).toMatchObject({ passed: checkNames.length - 1, failed: 1 });
    expect(broken).toMatchObject([{ name: "recount_rollups", breakingRows: 7, error: null }]);
    expect(broken[0].sampleRows).toHaveLength(5);
});
