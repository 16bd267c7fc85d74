/** Fewer connections than an ingest would like: it takes fewer and says so, or names the limit; never "away" and "back" for ever. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { parseDatabaseUrl } from "../../src/database/database-target.ts";
import { planConnections } from "../../src/engine/run/plan-connections.ts";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { SluiceError } from "../../src/errors.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { inHaste, useIngestFixture } from "../support/ingest-fixture.ts";
import { ingestConfig, ingestFolder } from "../support/ingest-folder.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { expectSound } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const role = `sluice_few_${process.pid}`;
const fixture = useIngestFixture(import.meta.path, { role });
const { sql } = fixture.database;

afterEach(async () => {
    await limitRole(-1);
    await limitDatabase(-1);
});

const limitDatabase = (most: number) =>
    sql.unsafe(`alter database ${fixture.database.target.database} connection limit ${most}`);
const limitRole = (most: number) => sql.unsafe(`alter role ${role} connection limit ${most}`);

test.each([3, 4, 5])("a role that may have %d connections ingests with that many", async (limit) => {
    await limitRole(limit);
    fixture.put(10);
    const { exitCode, stderr, summary } = await ingestOnce(fixture.url, fixture.inputDir, ["--merge-workers", "3"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain(`role ${role} has a CONNECTION LIMIT of ${limit}`);
    expect(stderr).not.toContain("is unreachable");
    expect(summary!.records).toMatchObject({ read: 10, inserted: 10 });
    await expectSound(sql);
});

test("a database that may have four connections counts everybody's", async () => {
    const [row] = await sql`
        select count(*) as open from pg_stat_activity where datname = current_database() and usename is not null`;
    await limitDatabase(row!.open + 3);
    fixture.put(3);
    const { exitCode, stderr } = await ingestOnce(fixture.url, fixture.inputDir);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("the database has a CONNECTION LIMIT of");
});

test("should fail: with two it is said how many are needed, and of what", async () => {
    await limitRole(2);
    const { exitCode, stderr } = await ingestOnce(fixture.url, fixture.inputDir);
    expect(exitCode).toBe(4);
    expect(stderr).toContain("An ingest needs 3 connections, and can have 2");
    expect(stderr).toContain(`role ${role} has a CONNECTION LIMIT of 2`);

    const args = ["--input", fixture.inputDir, "--port", "0"];
    const doctor = await runScript("doctor", args, { environment: { DATABASE_URL: fixture.url } });
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toContain(`2 connections can be opened: role ${role} has a CONNECTION LIMIT of 2`);
});

test("should fail: a command that gets none says why", async () => {
    await limitRole(0);
    const { exitCode, stderr } = await runScript("status", [], { environment: { DATABASE_URL: fixture.url } });
    expect(exitCode).toBe(4);
    expect(stderr).toContain("too_many_connections");
    expect(stderr).toContain(`too many connections for role "${role}"`);
});

test("a limit that is lowered while it runs: it goes on with fewer", async () => {
    fixture.start([...inHaste, "--merge-workers", "3"]);
    fixture.put(1);
    await fixture.whenInserted(1);
    await limitRole(3);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;
    fixture.put(20);
    await fixture.whenInserted(21);
    const [sessions] = await sql`select count(*) from pg_stat_activity where usename = ${role}`;
    expect(sessions!.count).toBeLessThanOrEqual(3);
});

test("a limit that is raised while it runs: it takes more again, and nothing is doubled or lost", async () => {
    await limitRole(3);
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const stop = new AbortController();
    const target = parseDatabaseUrl(fixture.url);
    const config = ingestConfig(fixture.inputDir, { mergeWorkers: 3 });
    const ended = runIngest({
        streams: [eventsStream],
        ...{ target, signal: stop.signal, growEveryMs: 200 },
        config: { ...config, trigger: { kind: "interval", ms: 100 } },
        log: { info: say, warn: say, error: say },
    });
    fixture.put(20, 50);
    await fixture.whenInserted(1_000);
    // Looked for many times by now, and there were none.
    expect(lines).toEqual([expect.stringContaining("works with 3 connections of 7 and 1 merge worker(s)")]);
    await limitRole(-1);
    let put = 1_000;
    // A connection is opened when there is work for it: there is, until it has been seen.
    await waitUntil("it has more", async () => {
        fixture.put(2, 50);
        put += 100;
        const [sessions] = await sql`select count(*) from pg_stat_activity where usename = ${role}`;
        return sessions!.count > 3;
    });
    await fixture.whenInserted(put);
    stop.abort();
    expect((await ended).records).toMatchObject({ read: put, inserted: put });
    expect(lines.slice(1)).toEqual(["More connections are available again; the ingest uses them."]);
    await ingestFolder(target, fixture.inputDir);
    await expectSound(sql);
});

describe("how they are shared out", () => {
    test.each<[free: number | null, workers: number, pool: number, merging: number, isReduced: boolean]>([
        [null, 2, 4, 2, false],
        [8, 2, 4, 2, false],
        [7, 2, 3, 2, true],
        [5, 2, 1, 1, true],
        [4, 2, 1, 1, true],
        [3, 2, 1, 1, true],
        [6, 1, 2, 1, true],
    ])("%p free, %d merge workers", (free, workers, poolConnections, mergeWorkers, isReduced) => {
        expect(planConnections({ free, limit: "a limit" }, workers)).toMatchObject({
            poolConnections,
            mergeWorkers,
            isReduced,
        });
    });

    test("should fail: below three", () => {
        for (const free of [0, 1, 2]) {
            expect(() => planConnections({ free, limit: "a limit" }, 1)).toThrow(SluiceError);
        }
    });
});
