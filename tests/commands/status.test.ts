import { expect, test } from "bun:test";
import { join } from "node:path";
import { useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);

const status = (...args: string[]) => runScript("status", ["--database-url", database.url, ...args]);

test("shows an empty database as one in which nothing has happened", async () => {
    const { exitCode, stdout } = await status();

    expect(exitCode).toBe(0);
    expect(stdout).toContain("Nothing has been ingested yet, and no ingest is running.\n");
    expect(stdout).toContain("\nlast batch  none yet\n");
});

test("shows on one screen where every record went, what waits, and what failed and why", async () => {
    await database.sql.unsafe(await Bun.file(join(import.meta.dir, "../status/small-ledger.sql")).text());
    await database.sql`update ingest.files set path = ${"fai\u001b[31mled.csv"} where file_id = 4`;
    const { exitCode, stdout, stderr } = await status();
    const lines = stdout.trimEnd().split("\n");

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(lines[0]).toStartWith("data/input_data → events (");
    expect(lines[1]).toBe(
        "1 file failed; the others continue. fai\\x1b[31mled.csv: header_missing_columns: It has no column price. " +
            "Add the missing columns to the header line, or map their names in sluice.config.ts (aliases). " +
            "It is retried when it changes, or when its source in sluice.config.ts changes.",
    );
    expect(lines.slice(3, 8)).toEqual([
        "records read  13",
        "= inserted     9  69.2 %",
        "+ duplicate    1   7.7 %",
        "+ conflict     1   7.7 %",
        "+ rejected     2  15.4 %",
    ]);
    expect(stdout).toContain("1 pending, 1 loaded, 1 merged, 1 skipped, 1 failed, 1 replaced");
    expect(stdout).toMatch(/last batch {2}#2 .* ago: 4 records in 2\.5 s, 32\.5 s after staging/);
    expect(stdout).toContain("pid 11 on one, for ");
    expect(stdout).toContain(
        "  fai\\x1b[31mled.csv  header_missing_columns  It has no column price.  tried 2 times, not retried automatically\n",
    );
    expect(stdout).toContain("Most frequent reject reasons (of 3 rejects)\n  price_negative     2\n");
    expect(stdout).not.toContain("\u001b");
});

test("--json is the status object, alone on stdout", async () => {
    const { stdout } = await status("--json");

    expect(JSON.parse(stdout)).toMatchObject({ state: "failing", totals: { read: 13, inserted: 9 }, events: 9 });
});

test("FORCE_COLOR colours it, --no-color does not", async () => {
    const environment = { FORCE_COLOR: "1" };
    const args = ["--database-url", database.url];

    expect((await runScript("status", args, { environment })).stdout).toContain("\u001b[33m1 file failed");
    expect((await runScript("status", [...args, "--no-color"], { environment })).stdout).not.toContain("\u001b");
});
