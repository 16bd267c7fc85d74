/** A real PgBouncer between the commands and the server: what is told of it, what goes through it, and what goes past it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { makeTarget } from "../../src/database/database-target.ts";
import { openDatabase, reachServer } from "../../src/database/open-database.ts";
import { exitCodes } from "../../src/errors.ts";
import { atEnd } from "../support/at-end.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { refusalOf } from "../support/failure-of.ts";
import { idOf, makeFolder, shopCsv, useDatabase } from "../support/fixture.ts";
import { findPgbouncer, type PgBouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { runScript } from "../support/run-script.ts";

setDefaultTimeout(120_000);

const isMissing = findPgbouncer() === null;
if (isMissing) console.log("Not tested behind a pooler: there is no pgbouncer on this machine (Debian: pgbouncer).");

const database = useDatabase(import.meta.path);

describe.skipIf(isMissing)("behind PgBouncer", () => {
    let transactions: PgBouncer;
    let sessions: PgBouncer;
    let strictSessions: PgBouncer;
    beforeAll(async () => {
        transactions = await startPgbouncer(database.target, { pool_mode: "transaction" });
        sessions = await startPgbouncer(database.target, {
            pool_mode: "session",
            ignore_startup_parameters: "options",
        });
        strictSessions = await startPgbouncer(database.target, { pool_mode: "session" });
    });
    afterAll(() => Promise.all([transactions, sessions, strictSessions].map((pooler) => pooler.stop())));
    const reach = async (pooler: PgBouncer) => (await reachServer(pooler.targetOf(database.target))).target;
    const open = (options: Partial<Parameters<typeof openDatabase>[0]>) =>
        openDatabase({ dataDir: "nowhere", log: () => {}, ...options });

    test("its mode is found out, and whether it takes settings; the server itself is no pooler", async () => {
        const found = [transactions, sessions, strictSessions].map(async (pooler) => (await reach(pooler)).pooler);
        expect(await Promise.all(found)).toEqual([
            { mode: "transaction", takesSettings: false },
            { mode: "session", takesSettings: true },
            { mode: "session", takesSettings: false },
        ]);
        expect((await reachServer(database.target)).target.pooler).toBeNull();
    });

    test("its mode is found out though its settings are ignored and its pool is busy", async () => {
        const pooler = await startPgbouncer(database.target, {
            pool_mode: "transaction",
            ignore_startup_parameters: "options",
        });
        atEnd(() => pooler.stop());
        const target = await reach(pooler);
        const others = Array.from({ length: 3 }, () => connect(target, { applicationName: "busy", max: 1 }));
        let isOver = false;
        const busy = others.map(async (sql) => {
            while (!isOver) await sql`select count(*) from pg_class`;
        });
        for (let look = 0; look < 3; look += 1) {
            expect((await reach(pooler)).pooler).toEqual({ mode: "transaction", takesSettings: true });
        }
        isOver = true;
        await Promise.all([...busy, ...others.map((sql) => sql.end({ timeout: 1 }))]);
    });

    test("the same statements run on whichever backend comes next, many at once", async () => {
        const sql = connect(await reach(transactions), { applicationName: "many", max: 6 });
        const ask = (no: number) => sql<{ sum: number; pid: number }[]>`
            select ${no}::integer + count(*)::integer as sum, pg_backend_pid() as pid
            from generate_series(1, 200)`;
        const answers = await Promise.all(Array.from({ length: 300 }, (_, no) => ask(no)));
        expect(answers.map(([row]) => row!.sum)).toEqual(Array.from({ length: 300 }, (_, no) => no + 200));
        expect(new Set(answers.map(([row]) => row!.pid)).size).toBeGreaterThan(1);
        await sql.end({ timeout: 1 });
    });

    test("what writes goes past it, what reads goes through it", async () => {
        const pooled = transactions.targetOf(database.target);
        const urls = { databaseUrl: pooled.url, directDatabaseUrl: database.url };
        const ports = async (use: "read" | "write" | "serve") => {
            const { target, readTarget } = await open({ ...urls, use });
            return [target.port, readTarget.port];
        };
        const direct = database.target.port;
        expect(await ports("read")).toEqual([pooled.port, pooled.port]);
        expect(await ports("write")).toEqual([direct, direct]);
        expect(await ports("serve")).toEqual([direct, pooled.port]);
    });

    test("should fail: without a way past it, each command that writes says which and why, and how to go on", async () => {
        const folder = makeFolder();
        const file = join(folder, "a.csv");
        writeFileSync(file, shopCsv());
        const pooled = makeTarget({ ...transactions.targetOf(database.target), password: database.target.password });
        const commands: [string, string[], string][] = [
            ["ingest", ["--input", folder, "--trigger", "available-now"], "COPY, whose backend the ledger records"],
            ["migrate", [], "the lock under which one process at a time migrates"],
            ["try", [file], "the temporary table of a dry run"],
            ["prune", ["--older-than", "90d", "--yes"], "the lock that lets one prune work at a time"],
            ["pause", [], "its settings"],
            ["api", ["--port", "0"], "pauses, replays and checks"],
        ];
        for (const [name, args, why] of commands) {
            const { exitCode, stderr } = await runScript(name, args, { environment: { DATABASE_URL: pooled.url } });
            expect([name, exitCode]).toEqual([name, exitCodes.configuration]);
            expect(stderr).toContain("is a connection pooler in transaction mode");
            expect(stderr).toContain(why);
            expect(stderr).toContain("Set SLUICE_DIRECT_DATABASE_URL to the server itself");
            expect(stderr).toContain("pooled_database");
            expect(stderr).toContain("DATABASE_URL in the environment");
            if (pooled.password !== "") expect(stderr).not.toContain(pooled.password);
        }
    });

    test("should fail: a pool of sessions that refuses their settings serves reads alone", async () => {
        const { url } = strictSessions.targetOf(database.target);
        const error = await refusalOf(open({ databaseUrl: url }));
        expect([error.code, error.setting]).toEqual(["pooled_database", "databaseUrl"]);
        expect(error.what).toContain("refuses the settings of a session");
        expect((await open({ databaseUrl: url, use: "read" })).target.port).toBe(strictSessions.port);
    });

    test("should fail: the way past it is another pooler of transactions", async () => {
        const { url } = transactions.targetOf(database.target);
        const error = await refusalOf(open({ databaseUrl: url, directDatabaseUrl: url }));
        expect([error.code, error.setting]).toEqual(["pooled_database", "directDatabaseUrl"]);
        expect(error.remedy).toContain("Let SLUICE_DIRECT_DATABASE_URL name the server itself");
    });

    describe("beside another database", () => {
        let other: TestDatabase;
        beforeAll(async () => {
            other = await createTestDatabase(import.meta.path);
        });
        afterAll(() => other.drop());

        test("should fail: the two URLs lead to different databases, and nothing is written to either", async () => {
            const environment = {
                DATABASE_URL: transactions.targetOf(database.target).url,
                SLUICE_DIRECT_DATABASE_URL: other.url,
            };
            const { exitCode, stderr } = await runScript("reset", ["--yes"], { environment });
            expect(exitCode).toBe(exitCodes.configuration);
            expect(stderr).toContain("lead to different databases");
            expect(stderr).toContain("SLUICE_DIRECT_DATABASE_URL in the environment");
        });

        test("--database-url stands alone: the variable is of another database", async () => {
            const environment = { SLUICE_DIRECT_DATABASE_URL: database.url };
            const args = ["pause", "--reason", "alone", "--database-url", other.url];
            expect((await runScript(args[0]!, args.slice(1), { environment })).exitCode).toBe(exitCodes.done);
            const paused = "select count(*)::integer as count from ingest.streams where paused_at is not null";
            const counts = [database, other].map(async ({ sql }) => (await sql.unsafe(paused))[0]!.count);
            expect(await Promise.all(counts)).toEqual([0, 1]);
        });
    });

    test("an ingest beside it, and all that reads through it", async () => {
        const folder = makeFolder();
        writeFileSync(join(folder, "a.csv"), shopCsv(`${idOf(1)},view,p1,u1,2024-05-01 10:00:00,1,1.00`, "x,,,,,,"));
        const environment = {
            DATABASE_URL: transactions.targetOf(database.target).url,
            SLUICE_DIRECT_DATABASE_URL: database.url,
        };
        const run = async (name: string, ...args: string[]) => {
            const { exitCode, stdout, stderr } = await runScript(name, args, { environment });
            expect([name, exitCode, stderr]).toEqual([name, exitCodes.done, ""]);
            return stdout;
        };
        const flags = ["--input", folder, "--trigger", "available-now", "--tail-settle", "0", "--check", "--json"];
        const ingest = await runScript("ingest", flags, { environment });
        expect(JSON.parse(ingest.stdout.trim().split("\n").at(-1)!)).toMatchObject({
            records: { inserted: 1, rejected: 1 },
        });
        expect(JSON.parse(await run("status", "--json"))).toMatchObject({ files: { merged: 1 } });
        expect(JSON.parse(await run("files", "--json")).data).toHaveLength(1);
        expect(JSON.parse(await run("rejects", "--json")).data).toHaveLength(1);
        expect(JSON.parse(await run("trace", "a.csv:1", "--json")).records).toHaveLength(1);
        expect(await run("check")).toContain("0 failed");
        expect(await run("sql", "select count(*) from events")).toContain("1");
        const doctor = await runScript("doctor", ["--json", "--input", folder, "--port", "0"], { environment });
        const finding = JSON.parse(doctor.stdout).findings.find(({ name }: { name: string }) => name === "pooler");
        expect(finding).toMatchObject({ state: "ok" });
        expect(finding.found).toContain("through a connection pooler in transaction mode");
    });
});
