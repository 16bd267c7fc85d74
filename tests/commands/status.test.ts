import { expect, test } from "bun:test";
import { join } from "node:path";
import { createBareDatabase } from "../support/database.ts";
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
        "1 file failed, the rest goes on. fai\\x1b[31mled.csv: header_missing_columns: It has no column price. " +
            "Add the missing columns to the header line. It is not tried again until it changes.",
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
        "  fai\\x1b[31mled.csv  header_missing_columns  It has no column price.  tried 2 times, not again by itself\n",
    );
    expect(stdout).toContain("Rejects by reason (of 3)\n  price_negative     2\n");
    expect(stdout).not.toContain("\u001b");
});

test("--json is the status object, alone on stdout", async () => {
    const { stdout } = await status("--json");

    expect(JSON.parse(stdout)).toMatchObject({ state: "failing", totals: { read: 13, inserted: 9 }, events: 9 });
});

test("FORCE_COLOR colours it, --no-color does not", async () => {
    const environment = { FORCE_COLOR: "1" };
    const args = ["--database-url", database.url];

    expect((await runScript("status", args, { environment })).stdout).toContain("\u001b[31m1 file failed");
    expect((await runScript("status", [...args, "--no-color"], { environment })).stdout).not.toContain("\u001b");
});

test("a database that is not Sluice's is left alone, and the remedy named", async () => {
    const bare = await createBareDatabase(import.meta.path);
    const { exitCode, stdout, stderr } = await runScript("status", [], { environment: { DATABASE_URL: bare.url } });
    const [row] = await bare.sql<{ schemas: number }[]>`
        select count(*)::int as schemas from pg_namespace where nspname = 'ingest'`;
    await bare.drop();

    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toContain(
        "has none of Sluice's tables.\n  from:  DATABASE_URL in the environment\n  fix:   Set it up with `bun run migrate`",
    );
    expect(row?.schemas).toBe(0);
});

test("a server that does not answer is told with 4", async () => {
    const { exitCode, stderr } = await runScript("status", ["--database-url", "postgres://me:hunter2@127.0.0.1:1/x"]);

    expect(exitCode).toBe(4);
    expect(stderr).toContain("code:  database_unreachable (exit 4)");
    expect(stderr).not.toContain("hunter2");
});
