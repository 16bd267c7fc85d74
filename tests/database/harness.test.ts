import { afterAll, beforeAll, expect, test } from "bun:test";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
});
afterAll(() => database.drop());

test("a test database has the tables and is empty", async () => {
    const [row] = await database.sql<{ events: number }[]>`select count(*) as events from events`;
    expect(row).toEqual({ events: 0 });
});
