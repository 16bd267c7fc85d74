import { expect, test } from "bun:test";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

test("a test database has the tables and is empty", async () => {
    const [row] = await database.sql<{ events: number }[]>`select count(*) as events from events`;
    expect(row).toEqual({ events: 0 });
});
