/** `bun run prune` as a person and as cron run it: what it shows first, what it asks, what it refuses, and being killed. */
import { beforeAll, beforeEach, expect, test } from "bun:test";
import { ageLedger } from "../support/age-ledger.ts";
import { makeFolder, useEmptyDatabase } from "../support/fixture.ts";
import { generateFolder } from "../support/generate-folder.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectSound } from "../support/read-tables.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useEmptyDatabase(import.meta.path);
const folder = makeFolder();

beforeAll(async () => {
    await generateFolder(folder, { files: 4, seed: 7, minRecords: 50, maxRecords: 60, dirty: 0.1, duplicates: 0.1 });
});
beforeEach(async () => {
    await ingestFolder(database.target, folder);
    await ageLedger(database.sql, 100);
});

const prune = (args: string[], environment: Record<string, string> = {}) =>
    runScript("prune", args, { environment: { DATABASE_URL: database.url, ...environment } });

async function counts() {
    const [row] = await database.sql`
        select
            (select count(*) from events) as events,
            (select count(*) from ingest.rejects) as rejects,
            (select count(*) from ingest.batches) as batches`;
    return row as unknown as { events: number; rejects: number; batches: number };
}

const gone = { events: 0, rejects: 0, batches: 0 };

test("shows what goes by table, with bytes, and removes it", async () => {
    const before = await counts();
    const { exitCode, stdout, stderr } = await prune(["--older-than", "90d", "--yes"]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^ +${before.events} {2}events, except .* {2}\\d.* [KM]?i?B$`, "m"));
    expect(stdout).toMatch(new RegExp(`^ +${before.rejects} {2}rejects and conflicts`, "m"));
    expect(stdout).toContain(`Not resolved by a replay: ${before.rejects} rejects.`);
    expect(stdout).toContain(`Removed ${before.events} events, ${before.rejects} rejects`);
    expect(await counts()).toEqual(gone);
    await expectSound(database.sql);
});

test("--dry-run says what would go, as JSON too, and changes nothing", async () => {
    const before = await counts();
    const { exitCode, stdout } = await prune(["--older-than", "2160h", "--dry-run", "--json"]);
    const plan = JSON.parse(stdout);

    expect({ exitCode, dryRun: plan.dryRun }).toEqual({ exitCode: 0, dryRun: true });
    expect(plan.tables).toContainEqual({ table: "events", rows: before.events, bytes: expect.any(Number) });
    expect((await prune(["--older-than", "90d", "--dry-run"])).stdout).toContain("these rows, merged before");
    expect(await counts()).toEqual(before);
});

test("what is younger stays", async () => {
    const before = await counts();
    const { exitCode, stdout } = await prune(["--older-than", "15w", "--yes", "--json"]);
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({
        exitCode: 0,
        events: 0,
        rejects: 0,
        batches: 0,
        files: 0,
    });
    expect(await counts()).toEqual(before);
});

test("asks at a terminal, and anything but yes changes nothing", async () => {
    const before = await counts();
    const args = ["--older-than", "90d", "--database-url", database.url];
    const refused = runOnTerminal("prune", args);
    await waitUntil("it asks", () => refused.output().includes("Go on? [y/N] "));
    expect(refused.output()).toContain("these rows, merged before");
    refused.write("n\n");
    expect(await refused.exited).toBe(1);
    expect(await counts()).toEqual(before);

    const agreed = runOnTerminal("prune", args);
    await waitUntil("it asks", () => agreed.output().includes("Go on? [y/N] "));
    agreed.write("y\n");
    expect(await agreed.exited).toBe(0);
    expect(await counts()).toEqual(gone);
});

test.each([
    [["--older-than", "90d"], 2, "confirmation_needed"],
    [["--yes"], 2, "missing_option"],
    [["--yes", "--older-than", "90"], 2, "bad_flag_value"],
    [["--yes", "--older-than", "30m"], 2, "bad_flag_value"],
    [["--yes", "--older-than", "0.5h"], 2, "bad_flag_value"],
])("should fail and change nothing: %p", async (args, exitCode, code) => {
    const before = await counts();
    expect(await prune(args)).toMatchObject({ exitCode, stderr: expect.stringContaining(`code:  ${code} `) });
    expect(await counts()).toEqual(before);
});

test("killed in the middle of the events, all adds up; the next one ends it", async () => {
    const before = await counts();
    const killed = await prune(["--older-than", "90d", "--yes"], { FAULT_AT: "in-prune:1", FAULT_ACTION: "kill" });
    expect(killed.exitCode).toBe(137);
    // The backend notices in a second that nobody listens, and ends.
    await waitUntil("its session is over", async () => {
        const sessions = await database.sql`
            select from pg_stat_activity where datname = current_database() and application_name = 'sluice prune'`;
        return sessions.length === 0;
    });
    await expectSound(database.sql);
    expect([0, before.events]).toContain((await counts()).events);

    expect(await prune(["--older-than", "90d", "--yes"])).toMatchObject({ exitCode: 0 });
    expect(await counts()).toEqual(gone);
    await expectSound(database.sql);
});
