/** The role of sql/roles/api_reader.sql: every route works with it, replays included, and nothing else can be written. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, makeTarget } from "../../src/database/database-target.ts";
import type { EmbeddedServer } from "../../src/database/embedded-server.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { readerOf } from "../../src/database/reader-role.ts";
import { openWorkPool } from "../../src/server/api/pools.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { header, makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { type ApiFixture, openApiFixture, readEverything } from "./api-fixture.ts";

/** Roles are the whole server's: one of this test's own. */
const role = `sluice_test_reader_${randomBytes(3).toString("hex")}`;
const eventId = "00000000-0000-4000-8000-000000000001";
const wishId = "00000000-0000-4000-8000-000000000002";

const database = useDatabase(import.meta.path);
let api: ApiFixture;
const folder = makeFolder();
let readerTarget: DatabaseTarget;
let workSql: Sql;

beforeAll(async () => {
    const script = await Bun.file(join(import.meta.dir, "../../sql/roles/api_reader.sql")).text();
    await database.sql.unsafe(script.replaceAll("sluice_api", role));
    // As a later update does: views and functions are made anew.
    await database.sql`update ingest.applied_sql set content_hash = ''`;
    await migrateDatabase(database.target, { log: () => {} });

    writeFileSync(
        join(folder, "a.csv"),
        `${header}\n${eventId},view,p,u,2024-01-01 00:00:00,1,1\nx,view,p,u,,,\n${wishId},wish,p,u,2024-01-01 00:00:00,1,1\n`,
    );
    await ingestFolder(database.target, folder);
    // By its own login: who only sets the role can set it back.
    await database.sql.unsafe(`alter role ${role} password '${role}'`);
    readerTarget = makeTarget({ ...database.target, user: role, password: role });
    workSql = openWorkPool(readerTarget);
    api = await openApiFixture(database, { workSql }, readerTarget);
});
afterAll(async () => {
    await workSql.end({ timeout: 1 });
    await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
});

test("every address that reads answers", async () => {
    await readEverything(api);
    for (const path of [
        "/readyz?verbose",
        "/v1/stats?bucket=hour",
        "/v1/stats/funnel?days=1",
        `/v1/trace?event_id=${eventId}`,
    ]) {
        expect([path, (await api.get(path)).status]).toEqual([path, 200]);
    }
    const { run } = (await api.get("/v1/checks")).body;
    expect(run.checks.filter(({ outcome }: { outcome: string }) => outcome !== "passed")).toEqual([]);
});

async function asReader(target: DatabaseTarget, use: (sql: Sql) => Promise<void>): Promise<void> {
    const sql = connect(target, { applicationName: "reader", max: 1 });
    try {
        await use(sql);
    } finally {
        await sql.end({ timeout: 1 });
    }
}

const emptyReplay =
    "select from ingest.replay_rejects(0::smallint, gen_random_uuid(), gen_random_uuid(), '{1}', false, false)";

test("replays, with the owner's rights and for nothing but the replay", async () => {
    await api.sql`insert into ingest.event_types values ('wish')`;
    const { status, body } = await api.post("/v1/replay", "{}", { "content-type": "application/json" });
    expect([status, body.read, body.inserted, body.unchanged]).toEqual([200, 1, 1, 1]);
    const [event] =
        await api.sql`select record_no, chunk_id is not null as "isTraced" from events where event_id = ${wishId}`;
    expect(event).toEqual({ record_no: 3, isTraced: true });
});

const json = { "content-type": "application/json" };

test("edits and previews, which keep what the file said", async () => {
    const preview = await api.post("/v1/replay/preview", `{"rejects": [1], "set": {"event_id": "${eventId}"}}`, json);
    expect([preview.status, preview.body.samples[0].outcome]).toEqual([200, "rejected"]);
    const { status, body } = await api.patch("/v1/rejects/1", `{"set": {"quantity": "7"}}`, json);
    expect([status, body.record.quantity, body.originalRecord.quantity]).toEqual([200, "7", null]);
});

test("should fail, and say how to allow it, for a role that may only read", async () => {
    const functions = await api.sql<{ name: string }[]>`
        select oid::regprocedure::text as name from pg_proc
        where proname in ('edit_rejects', 'replay_rejects') and pronamespace = 'ingest'::regnamespace`;
    for (const { name } of functions) await api.sql.unsafe(`revoke execute on function ${name} from ${role}`);
    const answers = [
        await api.patch("/v1/rejects/1", `{"set": {"quantity": "8"}}`, json),
        await api.patch("/v1/rejects", `{"file": "a.csv", "set": {"quantity": "8"}}`, json),
        await api.post("/v1/replay", "{}", json),
        await api.post("/v1/replay/preview", "{}", json),
    ];
    for (const { name } of functions) await api.sql.unsafe(`grant execute on function ${name} to ${role}`);
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
        answers.map(() => [403, "role_may_not_write"]),
    );
    expect(answers[0]!.body.detail).toContain("sql/roles/api_reader.sql");
});

test("should fail to write in any other way", async () => {
    for (const statement of [
        "insert into ingest.event_types values ('x')",
        "update public.events set price = 0",
        "update ingest.rejects set record = '{}'",
        "delete from ingest.batches",
        "truncate ingest.batches",
        "select from public.events for update",
        "do $$ begin lock table public.events in share mode; end $$",
        "select nextval(pg_get_serial_sequence('ingest.batches', 'batch_id'))",
        "select from ingest.reset()",
        "select from ingest.reopen_reject(1)",
        "update ingest.streams set paused_at = now()",
        "select from ingest.rebuild_totals()",
        "select from ingest.prepare_replay('ingest'), ingest.choose_rejects('{1}', 0::smallint)",
        "create table ingest.mine ()",
        "create table public.mine ()",
        "create function ingest.mine() returns int language sql return 1",
        "alter table public.events add column mine text",
        "drop table public.events",
        "copy (select 1) to program 'true'",
        `alter role ${role} superuser`,
    ]) {
        const attempt = workSql.unsafe(statement);
        await expect(attempt).rejects.toMatchObject({ code: "42501" });
    }
});

test("should fail to write in a session as it begins, and to read what is nobody's business", async () => {
    await asReader(readerTarget, async (sql) => {
        await expect(sql.unsafe(emptyReplay)).rejects.toMatchObject({ code: "25006" });
        await expect(sql`select rolpassword from pg_authid`).rejects.toMatchObject({ code: "42501" });
    });
});

test("should fail to plant a trigger that a replay would run with the owner's rights", async () => {
    await asReader(readerTarget, async (sql) => {
        await sql`set default_transaction_read_only = off`;
        await sql.unsafe(`
            create function pg_temp.rob() returns trigger language plpgsql as $$
            begin
                update public.events set price = 0;
                return null;
            end $$;
            create temporary table replayed_rejects (
                reject_id bigint, chunk_id bigint, record_no bigint, kind text, reasons text[], record jsonb
            );
            create trigger rob after insert on replayed_rejects for each statement execute function pg_temp.rob();
        `);
        await expect(sql.unsafe(emptyReplay)).rejects.toMatchObject({ code: "42501" });
        // Nor by a function of its own in the place of one that the replay calls.
        await sql`drop table replayed_rejects`;
        await sql`create function pg_temp.now() returns timestamptz language sql as $$ select 'epoch'::timestamptz $$`;
        await sql`set search_path = pg_temp, public`;
        expect(await sql.unsafe(emptyReplay)).toHaveLength(1);
    });
});

test("a role without the grant may not replay, though it may read", async () => {
    const other = `${role}_other`;
    await api.sql.unsafe(`create role ${other}; grant usage on schema ingest to ${other}`);
    try {
        await asReader({ ...api.database.target, serverOptions: `-c role=${other}` }, async (sql) => {
            await expect(sql.unsafe(emptyReplay)).rejects.toMatchObject({ code: "42501" });
            const pause = sql`select from ingest.pause_streams(null, 'me', null)`;
            await expect(pause).rejects.toMatchObject({ code: "42501" });
            await expect(sql`select from ingest.resume_streams(null)`).rejects.toMatchObject({ code: "42501" });
            await expect(sql`select ingest.add_hints('[]')`).rejects.toMatchObject({ code: "42501" });
        });
    } finally {
        await api.sql.unsafe(`drop owned by ${other}; drop role ${other}`);
    }
});

describe("a stream that is added while the API runs", () => {
    const outcomes = async (running: ApiFixture) => {
        const { status, body } = await running.get("/v1/checks?stream=boxes");
        const ofStream = status === 200 ? body.run.checks.filter(({ stream }: { stream: string }) => stream) : [];
        return [status, new Set(ofStream.map(({ outcome }: { outcome: string }) => outcome))];
    };

    test("is read at once, also after its table was made anew", async () => {
        const { target, sql } = database;
        const reader = await readerOf({ target, embedded: {} as EmbeddedServer });
        const running = await openApiFixture(database, {}, reader);
        const addBoxes = () => applyStream(target, streamOfTable("boxes"));
        try {
            await sql`create table boxes (id int primary key)`;
            await addBoxes();
            expect(await outcomes(running)).toEqual([200, new Set(["passed"])]);
            await sql`drop table boxes`;
            await sql`create table boxes (id int primary key)`;
            await addBoxes();
            expect(await outcomes(running)).toEqual([200, new Set(["passed"])]);
            expect((await running.get("/v1/streams/boxes/rows")).status).toBe(200);
        } finally {
            await sql`drop owned by sluice_api`;
        }
    });

    test("should fail to be checked by a role that may not read it, and nothing else fails with it", async () => {
        const unprivileged = await openApiFixture(database, {}, readerTarget);
        // Those that pass look at the catalog alone.
        expect(await outcomes(unprivileged)).toEqual([200, new Set(["not_run", "passed"])]);
        expect((await unprivileged.get("/v1/status")).status).toBe(200);
        await database.sql.unsafe(`revoke select on ingest.rejects from ${role}`);
        expect((await unprivileged.get("/v1/rejects?limit=7")).body.code).toBe("database_rights");
        await database.sql.unsafe(`grant select on ingest.rejects to ${role}`);
    });
});

test("any number of processes come to the same login at once", async () => {
    const embedded = {} as EmbeddedServer;
    const { target } = api.database;
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => readerOf({ target, embedded })));
    expect(others).toEqual([first!, first!]);
    expect([first!.user, first!.password === target.password]).toEqual(["sluice_api", false]);
    try {
        await asReader(first!, async (sql) => {
            const [row] = await sql`select current_user::text as name, count(*) as events from events`;
            expect(row).toEqual({ name: "sluice_api", events: 2 });
        });
    } finally {
        await api.sql`drop owned by sluice_api`;
    }
    expect(await readerOf({ target, embedded: null })).toBe(target);
});
