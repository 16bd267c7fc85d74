/** `bun run scale citus` where there is no Citus: with one, tests/citus/. */
import { expect, test } from "bun:test";
import { useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const run = (...args: string[]) => runScript("scale", args, { environment: { DATABASE_URL: database.url } });

test("says what is missing, and changes nothing", async () => {
    const { exitCode, stderr } = await run("citus", "--yes");
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/does not have the extension citus\.\n.*DATABASE_URL[\s\S]*code: {2}citus_missing/);
});

test("refuses what is no node, no engine, and a question without a terminal", async () => {
    expect((await run("citus", "--yes", "--workers", "10.0.0.2")).stderr).toContain('"10.0.0.2" is no host:port');
    expect((await run("greenplum")).exitCode).toBe(2);
    expect((await run("citus")).stderr).toContain("confirmation_needed");
});

test("a table is not distributed on a plain server, and nothing is recovered", async () => {
    const [row] = await database.sql<{ isDistributed: boolean; recovered: number }[]>`
        select ingest.is_distributed('public.events') as "isDistributed", ingest.recover_prepared() as recovered`;
    expect(row).toEqual({ isDistributed: false, recovered: 0 });
});
