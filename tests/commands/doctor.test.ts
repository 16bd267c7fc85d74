import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkClock } from "../../src/commands/doctor/check-database.ts";
import { checkDependencies } from "../../src/commands/doctor/check-dependencies.ts";
import type { Finding } from "../../src/commands/doctor/finding.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { useDatabase, useFolder } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";

const database = useDatabase(import.meta.path);
const folder = useFolder();

async function doctor(...args: string[]) {
    const all = ["--database-url", database.url, "--input", folder, "--port", "0", "--json", ...args];
    const { exitCode, stdout } = await runScript("doctor", all);
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
    return { exitCode, ok, of: (name: string) => findings.find((finding) => finding.name === name)!, findings };
}

test("finds nothing where nothing is broken, and has looked at everything", async () => {
    const { exitCode, ok, findings } = await doctor();

    expect({ exitCode, ok }).toEqual({ exitCode: 0, ok: true });
    expect(findings.map(({ name }) => name).sort()).toEqual(
        [
            ...["access", "clock", "connections", "database", "dependencies", "disk", "files", "folder", "indexes"],
            ...["notify", "pace", "pause", "pooler", "port", "rights", "schema", "settings", "staging", "workers"],
        ].sort(),
    );
    expect(findings.filter(({ state }) => state === "fail" || state === "skipped")).toEqual([]);
});

test("for people it is a line each, the remedy below it, and a last word", async () => {
    const args = ["--database-url", database.url, "--input", join(folder, "gone"), "--port", "0"];
    const { exitCode, stdout, stderr } = await runScript("doctor", args);

    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    expect(stdout).toContain(`FAIL  folder        The input folder ${folder}/gone does not exist.\n`);
    expect(stdout).toContain(`\n                    fix: Create it (mkdir -p ${folder}/gone)`);
    expect(stdout).toEndWith("\n1 problem found.\n");
});

test("a database that refuses the connection fails, and the rest is still looked at", async () => {
    const { exitCode, of } = await doctor("--database-url", "postgres://me:hunter2@127.0.0.1:1/shop");

    expect(exitCode).toBe(1);
    const { state, found } = of("database");
    expect(state).toBe("fail");
    expect(found).toContain("ECONNREFUSED");
    expect(found).not.toContain("hunter2");
    expect([of("rights").state, of("folder").state]).toEqual(["skipped", "ok"]);
});

test("files that are not detected are told with the reason", async () => {
    writeFileSync(join(folder, "events.txt"), "");
    writeFileSync(join(folder, "_late.csv"), "");
    mkdirSync(join(folder, "sub"));
    symlinkSync("/nowhere", join(folder, "link.csv"));
    const { exitCode, of } = await doctor();
    const { state, found } = of("folder");

    expect({ exitCode, state }).toEqual({ exitCode: 0, state: "note" });
    expect(found).toContain("0 CSV files, 4 left alone");
    writeFileSync(join(folder, "a.csv"), "");
    expect((await doctor()).of("folder")).toMatchObject({ state: "ok", remedy: null });
});

test("an API that others could read without a token fails", async () => {
    expect((await doctor("--host", "0.0.0.0")).of("access")).toMatchObject({
        state: "fail",
        remedy: expect.stringContaining("SLUICE_API_TOKEN"),
    });
});

test("a port that another program has fails, Sluice's own does not", async () => {
    const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
    const own = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ status: "alive" }) });
    const states = [other, own].map(async ({ port }) => (await doctor("--port", String(port))).of("port").state);

    expect(await Promise.all(states)).toEqual(["fail", "ok"]);
    await Promise.all([other.stop(true), own.stop(true)]);
});

describe("in a database of its own for each", () => {
    let own: TestDatabase;
    beforeEach(async () => {
        own = await createTestDatabase(import.meta.path);
    });
    afterEach(() => own.drop());
    const look = async (name: string, url = own.url) => (await doctor("--database-url", url)).of(name);

    test("a schema that lacks a migration fails with what brings it there", async () => {
        await own.sql`delete from ingest.migrations where created_at = (select max(created_at) from ingest.migrations)`;
        const { state, found, remedy } = await look("schema");

        expect(state).toBe("fail");
        expect(found).toMatch(/Missing migrations: drizzle\/\d{4}_\w+\.sql/);
        expect(remedy).toContain("bun run migrate");
    });

    test("columns of events that are not ours fail by their name", async () => {
        await own.sql`alter table events alter column price type text`;

        expect(await look("schema")).toMatchObject({
            state: "fail",
            found: expect.stringContaining("its column price is text, not numeric(10,2)"),
        });
    });

    test("a user who may only read is told what is missing", async () => {
        const role = `doctor_${Math.random().toString(36).slice(2, 8)}`;
        await own.sql.unsafe(`create role ${role} login password 'x'`);
        try {
            await own.sql.unsafe(`grant usage on schema ingest to ${role}; grant select on events to ${role};
                grant select on all tables in schema ingest to ${role}`);
            const url = new URL(own.url);
            url.username = role;
            url.password = "x";
            const finding = await look("rights", url.href);
            expect(finding).toMatchObject({ state: "note", found: expect.stringContaining("insert on public.events") });

            await own.sql.unsafe(`revoke select on events from ${role}`);
            expect((await look("rights", url.href)).state).toBe("fail");
        } finally {
            await own.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
        }
    });

    test("a failed file, and an ingest that ended without a goodbye, are told with what to do", async () => {
        await own.sql.unsafe(readFileSync(join(projectDir, "tests/status/small-ledger.sql"), "utf8"));
        await own.sql`update ingest.workers set lease_until = now() - interval '1 minute'`;

        expect(await look("files")).toMatchObject({
            state: "fail",
            found: expect.stringContaining("failed.csv (header_missing_columns)"),
            remedy: expect.stringContaining("Add the missing columns"),
        });
        expect(await look("workers")).toMatchObject({
            state: "note",
            found: expect.stringContaining("without signing off"),
        });
    });

    test("records that are delivered again and again are told, and that they do no harm", async () => {
        await own.sql`
            insert into ingest.totals (kind, batches, read, inserted, duplicate, conflict, rejected, displaced)
            values ('merge', 1, 100, 20, 80, 0, 0, 0)
            on conflict (stream_id, kind) do update set read = 100, inserted = 20, duplicate = 80`;

        expect(await look("pace")).toMatchObject({ state: "note", found: expect.stringContaining("80.0 %") });
    });
});

test("a clock that is seconds off is a note, one that is hours off fails, on either side", async () => {
    const at = (offsetMs: number) => checkClock(database.sql, () => Date.now() + offsetMs);
    const states = await Promise.all(
        [0, 60_000, -60_000, 7_200_000, -7_200_000].map(async (ms) => (await at(ms)).state),
    );

    expect(states).toEqual(["ok", "note", "note", "fail", "fail"]);
});

describe("dependencies", () => {
    const project = (installed: Record<string, string>) => {
        const manifest = { devDependencies: { one: "1.0.0", two: "2.0.0" }, engines: { bun: ">=1.4" } };
        writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
        for (const [name, version] of Object.entries(installed)) {
            mkdirSync(join(folder, "node_modules", name), { recursive: true });
            writeFileSync(join(folder, "node_modules", name, "package.json"), JSON.stringify({ version }));
        }
        return folder;
    };

    test("that are missing, or of another version, fail by name", () => {
        expect(checkDependencies(project({ one: "1.0.1" }))).toMatchObject({
            state: "fail",
            found: "one is 1.0.1, not 1.0.0, two is missing.",
            remedy: expect.stringContaining("bun install"),
        });
    });

    test("an old Bun fails, a platform without an embedded server is a note", () => {
        const dir = project({ one: "1.0.0", two: "2.0.0" });

        expect(checkDependencies(dir, { bunVersion: "1.3.9" })).toMatchObject({
            state: "fail",
            remedy: "Run `bun upgrade`.",
        });
        expect(checkDependencies(dir, { platform: "win32-x64" }).state).toBe("note");
    });
});
