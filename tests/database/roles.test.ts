/** The roles of sql/roles: each can do its work (a whole ingest, the API and the page among it), and no more. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget } from "../../src/database/database-target.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { ageLedger } from "../support/age-ledger.ts";
import { header, makeFolder, useBareDatabase } from "../support/fixture.ts";
import { ingestOnce } from "../support/ingest-process.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { openReceiver } from "../support/receiver.ts";
import { runScript } from "../support/run-script.ts";
import { startApi } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Roles are the whole server's: ones of this test's own. */
const suffix = randomBytes(3).toString("hex");
const nameOf = { owner: `sluice_owner_${suffix}`, loader: `sluice_loader_${suffix}`, api: `sluice_api_${suffix}` };

const database = useBareDatabase(import.meta.path);
const folder = makeFolder();
let ownerTarget: DatabaseTarget;
let loader: DatabaseTarget;
let loaderSql: Sql;
let ownerSql: Sql;
let reader: DatabaseTarget;

/** As the administrator, with this test's names in the place of the roles'. */
async function runRoleScript(file: string): Promise<void> {
    const text = await Bun.file(join(import.meta.dir, "../../sql/roles", file)).text();
    const ours = Object.values(nameOf).reduce((script, name) => script.replaceAll(name.slice(0, -7), name), text);
    await database.sql.unsafe(ours);
}

async function loginOf(role: keyof typeof nameOf): Promise<DatabaseTarget> {
    await database.sql.unsafe(`alter role ${nameOf[role]} password '${suffix}'`);
    return makeTarget({ ...database.target, user: nameOf[role], password: suffix });
}

beforeAll(async () => {
    await runRoleScript("owner.sql");
    ownerTarget = await loginOf("owner");
    await migrateDatabase(ownerTarget, { log: () => {} });
    await runRoleScript("loader.sql");
    await runRoleScript("api_reader.sql");
    loader = await loginOf("loader");
    reader = await loginOf("api");
    loaderSql = connect(loader, { applicationName: "test loader", max: 1 });
    ownerSql = connect(ownerTarget, { applicationName: "test owner", max: 1 });
});
afterAll(async () => {
    await Promise.all([loaderSql.end({ timeout: 1 }), ownerSql.end({ timeout: 1 })]);
    for (const name of [nameOf.loader, nameOf.api, nameOf.owner]) {
        await database.sql.unsafe(`drop owned by ${name} cascade; drop role ${name}`);
    }
});

const row = (no: number, type = "view") =>
    `00000000-0000-4000-8000-${String(no).padStart(12, "0")},${type},p,u,2024-01-01 00:00:00,1,1.00`;

function writeFiles(name: string, files: Record<string, string[]>): string {
    const dir = join(folder, name);
    mkdirSync(dir);
    for (const [file, rows] of Object.entries(files))
        writeFileSync(join(dir, file), `${[header, ...rows].join("\n")}\n`);
    return dir;
}

test("the loader runs a whole ingest: duplicates, conflicts, rejects, copies, and a file over its budget", async () => {
    const good = [row(1), row(2), row(1), row(2, "purchase"), row(3, "wish")];
    const dir = writeFiles("all", { "a.csv": good, "b.csv": good, "c.csv": [row(4, "x"), row(5, "x"), row(6)] });
    const receiver = openReceiver();
    const environment = { SLUICE_NOTIFY_WEBHOOK: receiver.url };
    const { exitCode, stderr, summary } = await ingestOnce(loader.url, dir, ["--max-rejects", "50%"], { environment });

    expect(stderr).not.toContain("42501");
    expect(summary).toMatchObject({
        files: { merged: 1, skipped: 1, failed: 1 },
        records: { read: 5, inserted: 2, duplicate: 1, conflict: 1, rejected: 1 },
    });
    expect(exitCode).toBe(1);
    expect(receiver.taken()).toEqual(["stream.problem events ok failing"]);
    await expectChecksToPass(ownerSql);
    // The lanes of staging were emptied, for which TRUNCATE takes a right of its own.
    expect(await ownerSql`select from ingest.staging`).toHaveLength(0);
});

test("the reader serves the API and the page, and may send messages; the page's numbers are the loader's", async () => {
    await ownerSql`delete from ingest.told_states`;
    const api = await startApi(reader.url, { SLUICE_NOTIFY_WEBHOOK: openReceiver().url });
    try {
        const readNoted = () => ownerSql`select from ingest.told_states`;
        await waitUntil("the API has noted what it sees", async () => (await readNoted()).length > 0);
        const page = await fetch(`${api.url}/`);
        expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<!doctype html>")]);
        const status = (await (await fetch(`${api.url}/v1/status`)).json()) as Record<string, unknown>;
        expect(status).toMatchObject({ events: 2, totals: { read: 5, inserted: 2, rejected: 1 } });
        expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
    } finally {
        await api.stop();
    }
});

test("the loader and the API may pause and resume; neither changes a stream in another way", async () => {
    const pause = (by: string) => runScript("pause", ["--reason", by], { environment: { DATABASE_URL: loader.url } });
    expect((await pause("by the loader")).exitCode).toBe(0);
    const dir = writeFiles("paused", { "p.csv": [row(7)] });
    expect((await ingestOnce(loader.url, dir)).exitCode).toBe(6);
    const api = await startApi(reader.url);
    try {
        const headers = { "content-type": "application/json" };
        const ask = (action: string) =>
            fetch(`${api.url}/v1/ingest/${action}`, { method: "POST", body: "{}", headers });
        expect((await ask("resume")).status).toBe(200);
        expect((await ask("pause")).status).toBe(200);
        const event = { "detail-type": "Object Created", detail: { bucket: { name: "b" }, object: { key: "a.csv" } } };
        const told = await fetch(`${api.url}/v1/notify`, { method: "POST", body: JSON.stringify(event), headers });
        expect([told.status, await told.json()]).toEqual([200, expect.objectContaining({ accepted: 0 })]);
    } finally {
        await api.stop();
    }
    const resumed = await runScript("resume", [], { environment: { DATABASE_URL: loader.url } });
    expect([resumed.exitCode, resumed.stdout]).toEqual([0, expect.stringContaining("It was paused by API.")]);
    expect((await loaderSql`select * from ingest.take_hints(0::smallint, 1)`).length).toBe(0);
    await expect(loaderSql`update ingest.streams set paused_at = now()`).rejects.toMatchObject({ code: "42501" });
});

describe("the loader should fail", () => {
    test.each([
        "delete from public.events",
        "update public.events set price = 0",
        "truncate public.events",
        "select from ingest.reset()",
        "truncate ingest.batches",
        "delete from ingest.batches",
        "delete from ingest.files",
        "insert into ingest.event_types values ('wish')",
        "update ingest.applied_sql set content_hash = ''",
        "delete from ingest.migrations",
        "create table public.mine ()",
        "create table ingest.mine ()",
        "drop table ingest.staging",
        "create or replace function ingest.all_slices() returns integer language sql return 1",
        "create role another",
    ])("to: %s", async (statement) => {
        await expect(loaderSql.unsafe(statement)).rejects.toMatchObject({ code: "42501" });
    });
});

describe("the owner should fail", () => {
    test.each(["create role another", "create database another", "alter system set fsync = off"])(
        "to: %s",
        async (statement) => {
            await expect(ownerSql.unsafe(statement)).rejects.toMatchObject({ code: "42501" });
        },
    );
});

describe("the stream of a table that Sluice found", () => {
    const lines = ["order_id,no,note", "1,1,x", "1,1,x", "1,1,y", "9,2,", "z,3,"];
    const ingestLines = (target: DatabaseTarget, dir: string) =>
        ingestOnce(target.url, dir, ["--table", "sales.lines", "--tail-settle", "0"]);

    beforeAll(async () => {
        await database.sql.unsafe(`
            create schema sales;
            create table sales.orders (id bigint primary key);
            insert into sales.orders values (1);
            create table sales.lines (
                order_id bigint references sales.orders,
                no integer,
                entry bigserial,
                note text,
                primary key (order_id, no)
            );
            grant usage on schema sales to ${nameOf.owner};
            grant select, insert, update on sales.lines to ${nameOf.owner};
            grant select, references on sales.orders to ${nameOf.owner};
            grant usage on sequence sales.lines_entry_seq to ${nameOf.owner}`);
        mkdirSync(join(folder, "lines"));
        writeFileSync(join(folder, "lines", "lines.csv"), `${lines.join("\n")}\n`);
    });

    test("should fail for the loader before the owner has made it, and say what is missing", async () => {
        const first = await ingestLines(loader, join(folder, "lines"));
        expect(first.stderr).toContain(`grant usage on schema sales to ${nameOf.loader}`);
        await database.sql.unsafe(`
            grant usage on schema sales to ${nameOf.loader};
            grant select, insert on sales.lines to ${nameOf.loader};
            grant usage on sequence sales.lines_entry_seq to ${nameOf.loader};
            grant select on sales.orders to ${nameOf.loader}`);
        const second = await ingestLines(loader, join(folder, "lines"));
        expect(second.stderr).toContain(`the role ${nameOf.loader} may not create its schema ingest_lines`);
        expect(second.stderr).toContain("stream_rights");
        expect(second.exitCode).toBe(3);
    });

    test("the loader fills it once it is made, and nothing more; the reader has its rejects replayed", async () => {
        mkdirSync(join(folder, "none"));
        expect((await ingestLines(ownerTarget, join(folder, "none"))).exitCode).toBe(0);
        await runRoleScript("loader.sql");
        await runRoleScript("api_reader.sql");

        const { stderr, summary } = await ingestLines(loader, join(folder, "lines"));
        expect(stderr).not.toContain("42501");
        expect(summary?.records).toMatchObject({ read: 5, inserted: 1, duplicate: 1, conflict: 1, rejected: 2 });
        await expectChecksToPass(database.sql);
        for (const statement of [
            "update sales.lines set note = 'z'",
            "delete from sales.lines",
            "drop table ingest_lines.staging",
            "create table ingest_lines.mine ()",
            "create or replace function ingest_lines.require_key() returns void language sql as ''",
        ]) {
            await expect(loaderSql.unsafe(statement)).rejects.toMatchObject({ code: "42501" });
        }

        await database.sql`insert into sales.orders values (9)`;
        const api = await startApi(reader.url);
        try {
            const answer = await fetch(`${api.url}/v1/replay`, {
                method: "POST",
                headers: { "content-type": "application/json" },
                body: JSON.stringify({ stream: "lines", acceptConflicts: true }),
            });
            expect([answer.status, await answer.json()]).toEqual([
                200,
                expect.objectContaining({ read: 2, inserted: 2, displaced: 1, unchanged: 1 }),
            ]);
        } finally {
            await api.stop();
        }
        expect([...(await database.sql`select order_id, no, note from sales.lines order by 1, 2`)]).toEqual([
            { order_id: 1, no: 1, note: "y" },
            { order_id: 9, no: 2, note: null },
        ]);
    });
});

test("the owner prunes what the loader brought; the loader may not", async () => {
    await ageLedger(ownerSql, 100);
    const args = ["--older-than", "90d", "--yes", "--json"];
    const refused = await runScript("prune", args, { environment: { DATABASE_URL: loader.url } });
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("not_permitted") });
    expect(await ownerSql`select from public.events`).toHaveLength(2);

    const { exitCode, stdout } = await runScript("prune", args, { environment: { DATABASE_URL: ownerTarget.url } });
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({ exitCode: 0, events: 2, rejects: 6 });
    await expectChecksToPass(ownerSql);
});

test("after an update by the owner, the loader goes on", async () => {
    await ownerSql`update ingest.applied_sql set content_hash = ''`;
    await migrateDatabase(ownerTarget, { log: () => {} });
    const dir = writeFiles("later", { "d.csv": [row(7)] });

    const { stderr, summary } = await ingestOnce(loader.url, dir);
    expect([stderr, summary]).toEqual([
        // The folder is another one, without the file that failed in the first.
        expect.stringMatching(/^c\.csv had failed .* and has left the folder\. Sluice forgets it\.\n$/),
        expect.objectContaining({ records: expect.objectContaining({ inserted: 1 }) }),
    ]);
});

test("the scripts may be run again", async () => {
    for (const file of ["owner.sql", "loader.sql", "api_reader.sql"]) await runRoleScript(file);
});
