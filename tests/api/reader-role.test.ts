/** The role of sql/roles/api_reader.sql: every route that reads works with it, and nothing can be written. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openApiPool } from "../../src/api/open-api-pool.ts";
import { openWorkPool } from "../../src/api/open-work-pool.ts";
import type { Sql } from "../../src/database/connect.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { type ApiFixture, openApiFixture } from "./api-fixture.ts";

/** Roles are the whole server's: one of this test's own. */
const role = `sluice_test_reader_${randomBytes(3).toString("hex")}`;
const eventId = "00000000-0000-4000-8000-000000000001";

let api: ApiFixture;
let folder: string;
let workSql: Sql;

beforeAll(async () => {
    const owner = await openApiFixture(import.meta.path);
    const { database } = owner;
    const script = await Bun.file(join(import.meta.dir, "../../sql/roles/api_reader.sql")).text();
    await database.sql.unsafe(script.replaceAll("sluice_api", role));
    // What a later update does: views and functions are made anew.
    await database.sql`update ingest.applied_sql set content_hash = ''`;
    await migrateDatabase(database.target, { log: () => {} });

    folder = mkdtempSync(join(tmpdir(), "reader-"));
    const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price";
    writeFileSync(join(folder, "a.csv"), `${header}\n${eventId},view,p,u,2024-01-01 00:00:00,1,1\nx,view,p,u,,,\n`);
    await ingestFolder(database.target, folder);
    const target = { ...database.target, serverOptions: `-c role=${role}` };
    workSql = openWorkPool(target);
    const reader = await openApiFixture(import.meta.path, { sql: openApiPool(target), workSql });
    const close = async () => {
        await reader.close();
        await owner.close();
    };
    api = { ...reader, sql: database.sql, close };
});
afterAll(async () => {
    rmSync(folder, { recursive: true });
    await workSql.end({ timeout: 1 });
    await api.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    await api.close();
});

test("every address that reads answers", async () => {
    for (const path of [
        "/readyz?verbose",
        "/metrics",
        "/v1/status",
        "/v1/stats?bucket=hour",
        "/v1/stats/funnel?days=1",
        "/v1/stats/top-products",
        "/v1/flow",
        "/v1/events",
        "/v1/batches",
        "/v1/batches/1",
        "/v1/files",
        "/v1/files/1",
        "/v1/rejects",
        "/v1/rejects/summary",
        `/v1/trace?event_id=${eventId}`,
        "/v1/checks",
    ]) {
        const { status, body } = await api.get(path);
        expect([path, status, body.code]).toEqual([path, 200, undefined]);
    }
    const { run } = (await api.get("/v1/checks")).body;
    expect(run.checks.filter(({ outcome }: { outcome: string }) => outcome !== "passed")).toEqual([]);
});

test("should fail to replay, or to write in any other way", async () => {
    const { status, body } = await api.post("/v1/replay", "{}", { "content-type": "application/json" });
    expect([status, body.code]).toEqual([503, "database_not_ready"]);
    for (const statement of [
        "insert into ingest.event_types values ('x')",
        "update public.events set price = 0",
        "truncate ingest.batches",
        "select from ingest.reset()",
        "create table ingest.mine ()",
    ]) {
        const attempt = workSql.unsafe(`set default_transaction_read_only = off; ${statement}`);
        await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|25006)$/) });
    }
});
