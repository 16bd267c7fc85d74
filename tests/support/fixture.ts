/** What most tests stand on: a database, a folder, files of the shop's events. All of it goes by itself. */
import { beforeAll, beforeEach } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import { atEnd } from "./at-end.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { emptyTables } from "./read-tables.ts";

export const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price";
export const headerLine = `${header}\n`;

/** The event_id of this number, in decimal digits. */
export const idOf = (no: number) => `00000000-0000-4000-8000-${String(no).padStart(12, "0")}`;

/** A file of these records, none of which ends its line. */
export const shopCsv = (...records: string[]) => `${[header, ...records].join("\n")}\n`;

/** One database for the file, migrated. Nothing may be asked of it before the first `beforeAll`. */
export function useDatabase(importMetaPath: string): TestDatabase {
    let database: TestDatabase | undefined;
    const opened = () => {
        if (database === undefined) throw new Error("The database is there from beforeAll on.");
        return database;
    };
    beforeAll(async () => {
        database = await createTestDatabase(importMetaPath);
        atEnd(database.drop);
    });
    return {
        sql: lazily(() => opened().sql),
        get target() {
            return opened().target;
        },
        get url() {
            return opened().url;
        },
        drop: () => opened().drop(),
    };
}

/** The same, without a row before each test. */
export function useEmptyDatabase(importMetaPath: string): TestDatabase {
    const database = useDatabase(importMetaPath);
    beforeEach(() => emptyTables(database.sql));
    return database;
}

/** A client that is looked up at each call. */
export function lazily(find: () => Sql): Sql {
    return new Proxy((() => {}) as unknown as Sql, {
        apply: (_, __, args) => Reflect.apply(find(), undefined, args),
        get: (_, name) => Reflect.get(find(), name),
    });
}

/** A folder that is removed when the test file ends. */
export function makeFolder(parent = tmpdir()): string {
    const folder = mkdtempSync(join(parent, "sluice-test-"));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
}

/** One that holds nothing but these empty folders when a test begins. */
export function useFolder(...within: string[]): string {
    const folder = makeFolder();
    beforeEach(() => {
        rmSync(folder, { recursive: true, force: true });
        for (const name of ["", ...within]) mkdirSync(join(folder, name));
    });
    return folder;
}
