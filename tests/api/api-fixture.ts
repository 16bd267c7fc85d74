/** An app on a database of its own, whose every answer is held to the OpenAPI document. */
import type { Sql } from "../../src/database/connect.ts";
import { type AppOptions, createApp } from "../../src/server/api/create-app.ts";
import { openReadPool, openWorkPool } from "../../src/server/api/pools.ts";
import type { Api } from "../../src/server/api/route-types.ts";
import { eventsApi } from "../../src/shop/api/events-api.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { useOpened, withSqlAtHand } from "../support/fixture.ts";
import { createConformanceCheck } from "./check-conformance.ts";

export interface ApiFixture {
    app: Api;
    database: TestDatabase;
    /** For what a test inserts; the app has a pool of its own. */
    sql: Sql;
    get(path: string, headers?: Record<string, string>): Promise<Answer>;
    post(path: string, body: BodyInit, headers?: Record<string, string>): Promise<Answer>;
    close(): Promise<void>;
}

export interface Answer {
    status: number;
    headers: Headers;
    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of a body, it says itself
    body: any;
}

/** `now` jumps ahead at each look, so that no answer is taken from an earlier question; a test of sharing passes its own. */
export async function openApiFixture(importMetaPath: string, options: Partial<AppOptions> = {}): Promise<ApiFixture> {
    const database = await createTestDatabase(importMetaPath);
    const pool = options.sql ?? openReadPool(database.target);
    const workSql = openWorkPool(database.target);
    const app = createApp({ served: eventsApi, now: jumpingClock(), workSql, ...options, sql: pool });
    const check = await createConformanceCheck(app);
    return {
        app,
        database,
        sql: database.sql,
        get: (path, headers = {}) => check(path, { headers }),
        post: (path, body, headers = {}) => check(path, { method: "POST", body, headers }),
        async close() {
            await Promise.all([pool.end({ timeout: 1 }), workSql.end({ timeout: 1 })]);
            await database.drop();
        },
    };
}

/** One for the file. */
export function useApi(importMetaPath: string, options: Partial<AppOptions> = {}): ApiFixture {
    return withSqlAtHand(
        useOpened(
            () => openApiFixture(importMetaPath, options),
            ({ close }) => close(),
        ),
    );
}

export function jumpingClock(): () => Date {
    let at = Date.parse("2026-01-01T00:00:00Z");
    return () => {
        at += 60_000;
        return new Date(at);
    };
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
