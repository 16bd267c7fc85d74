/** An app on a database of its own, whose every answer is held to the OpenAPI document. */
import { expect } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { type AppOptions, createApp } from "../../src/server/api/create-app.ts";
import { openReadPool, openWorkPool } from "../../src/server/api/pools.ts";
import type { Api } from "../../src/server/api/route-types.ts";
import { type ServedApi, serveApi } from "../../src/server/api/serve.ts";
import { eventsApi } from "../../src/shop/api/events-api.ts";
import { atEnd } from "../support/at-end.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type DatabaseProxy, openDatabaseProxy } from "../support/database-proxy.ts";
import { useOpened, withSqlAtHand } from "../support/fixture.ts";
import { throughPooler } from "../support/pooled.ts";
import { createConformanceCheck, readDocument } from "./check-conformance.ts";

type Database = Pick<TestDatabase, "target" | "sql">;

export interface ApiFixture<Kind extends Database = TestDatabase> {
    app: Api;
    database: Kind;
    /** For what a test inserts; the app has a pool of its own. */
    sql: Sql;
    get(path: string, headers?: Record<string, string>): Promise<Answer>;
    post(path: string, body: BodyInit, headers?: Record<string, string>): Promise<Answer>;
    patch(path: string, body: BodyInit, headers?: Record<string, string>): Promise<Answer>;
    /** Another app on the same database, with the real clock. */
    open(options?: Partial<AppOptions>): Api;
    /** An app on a port, until the test file ends. */
    serve(app?: Api, host?: string): ServedApi;
}

export interface Answer {
    status: number;
    headers: Headers;
    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of a body, it says itself
    body: any;
}

/**
 * Closed when the test file ends. `now` jumps ahead at each look, so that no answer is taken from an earlier question; a
 * test of sharing passes its own.
 */
export async function openApiFixture<Kind extends Database>(
    database: Kind,
    options: Partial<AppOptions> = {},
    target = database.target,
): Promise<ApiFixture<Kind>> {
    const pools = { sql: openReadPool(throughPooler(target)), workSql: openWorkPool(target) };
    atEnd(() => Promise.all(Object.values(pools).map((pool) => pool.end({ timeout: 1 }))));
    const open = (more: Partial<AppOptions> = {}) => createApp({ served: eventsApi, sql: pools.sql, ...more });
    const app = open({ ...pools, now: jumpingClock(), ...options });
    const check = await createConformanceCheck(app);
    return {
        app,
        database,
        sql: database.sql,
        get: (path, headers = {}) => check(path, { headers }),
        post: (path, body, headers = {}) => check(path, { method: "POST", body, headers }),
        patch: (path, body, headers = {}) => check(path, { method: "PATCH", body, headers }),
        open,
        serve(served = open(), host = "127.0.0.1") {
            const server = serveApi({ app: served, host, port: 0 });
            atEnd(() => server.stop());
            return server;
        },
    };
}

/** One for the file. */
export function useApi(importMetaPath: string, options: Partial<AppOptions> = {}): ApiFixture {
    return withSqlAtHand(
        useOpened(
            async () => openApiFixture(await openDatabase(importMetaPath), options),
            () => {},
        ),
    );
}

/** One whose database is behind a proxy, which can cut it off; `sql` goes past it. */
export function useProxiedApi(importMetaPath: string, options: Partial<AppOptions> = {}) {
    return withSqlAtHand(
        useOpened(
            async () => {
                const database = await openDatabase(importMetaPath);
                const proxy: DatabaseProxy = await openDatabaseProxy(database.target);
                atEnd(() => proxy.close());
                return { ...(await openApiFixture(database, options, proxy.target)), proxy };
            },
            () => {},
        ),
    );
}

async function openDatabase(importMetaPath: string): Promise<TestDatabase> {
    const database = await createTestDatabase(importMetaPath);
    atEnd(() => database.drop());
    return database;
}

export function jumpingClock(): () => Date {
    let at = Date.parse("2026-01-01T00:00:00Z");
    return () => {
        at += 60_000;
        return new Date(at);
    };
}

/** Asks for everything that the document names, but for the live stream, which has no end. There must be a file and a batch. */
export async function readEverything({ app, get }: Pick<ApiFixture, "app" | "get">): Promise<void> {
    const { paths } = await readDocument(app);
    for (const path of Object.keys(paths).filter((name) => "get" in paths[name]! && name !== "/v1/stream")) {
        const asked = `${path.replace("{id}", "1").replace("{name}", "events")}${path === "/v1/trace" ? "?file=a.csv&record=1" : ""}`;
        const { status, body } = await get(asked);
        expect([asked, status, body.code]).toEqual([asked, 200, undefined]);
    }
}

/** Follows nextCursor to the end. */
export async function readPages(fixture: ApiFixture, path: string): Promise<Answer["body"][]> {
    const rows: Answer["body"][] = [];
    let cursor: string | null = null;
    do {
        const separator = path.includes("?") ? "&" : "?";
        const { status, body } = await fixture.get(cursor === null ? path : `${path}${separator}cursor=${cursor}`);
        if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
        rows.push(...body.data);
        cursor = body.nextCursor;
    } while (cursor !== null);
    return rows;
}
