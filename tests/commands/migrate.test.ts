import { expect, test } from "bun:test";
import { useBareDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useBareDatabase(import.meta.path);

const migrate = (...args: string[]) => runScript("migrate", ["--database-url", database.url, ...args]);
const hasEvents = async () => (await database.sql`select to_regclass('public.events') as found`)[0]!.found !== null;

test("--dry-run says what is due and exits with 1, and does nothing of it; the migration does, and then nothing is due", async () => {
    const before = await migrate("--dry-run");
    expect({ exitCode: before.exitCode, made: await hasEvents() }).toEqual({ exitCode: 1, made: false });
    expect(before.stdout).toMatch(/needs \d+ migrations \(drizzle\/0000_first_tables\.sql, /);

    const done = await migrate("--json");
    expect({ exitCode: done.exitCode, made: await hasEvents() }).toEqual({ exitCode: 0, made: true });
    expect(JSON.parse(done.stdout)).toMatchObject({ sqlFiles: true });

    const after = await migrate("--dry-run");
    expect(after.exitCode).toBe(0);
    expect(after.stdout).toEndWith("is up to date.\n");
});
