/** Makes a database with the table in it, for one test at a time. */
import { afterEach } from "bun:test";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import type { TableCase } from "./read-table-case.ts";

export function useTable(importMetaPath: string): (tableCase: TableCase) => Promise<TestDatabase> {
    let database: TestDatabase | null = null;
    afterEach(async () => {
        await database?.drop();
        database = null;
    });
    return async ({ ddl }) => {
        database = await createTestDatabase(importMetaPath);
        await database.sql.unsafe(ddl);
        return database;
    };
}
