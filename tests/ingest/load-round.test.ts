/** The order in which rounds of loading take the files that wait. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadRound } from "../../src/engine/load/load-files.ts";
import type { Loader } from "../../src/engine/load/loader.ts";
import { headerLine, useEmptyDatabase } from "../support/fixture.ts";
import { discoverAll, openTestIngest, type TestIngest, testLoader } from "./ingest-context.ts";

const database = useEmptyDatabase(import.meta.path);
let ingest: TestIngest;
let loader: Loader;
beforeEach(async () => {
    ingest = await openTestIngest(database);
    loader = testLoader(ingest.context);
});
afterEach(() => ingest.close());

/** Files of one record each, their own, that the ledger knows. */
async function deliver(...names: string[]): Promise<void> {
    for (const name of names) {
        const id = `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").slice(0, 12).padStart(12, "0")}`;
        writeFileSync(join(ingest.inputDir, name), `${headerLine}${id},view,${name},u,2024-01-31 12:00:00,,\n`);
    }
    await discoverAll(loader);
}

const load = () => loadRound(loader);

async function loadedInOrder(): Promise<string[]> {
    const rows = await database.sql<{ path: string }[]>`
        select files.path from ingest.chunks inner join ingest.files using (file_id) order by chunks.chunk_id`;
    return rows.map(({ path }) => path);
}

test("what became due before the place where the rounds are is loaded at their end", async () => {
    await deliver("a.csv", "b.csv");
    await database.sql`
        update ingest.files set state = 'failed', next_attempt_at = now() + interval '1 hour' where path = 'a.csv'`;
    expect(await load()).toBe(true);
    await database.sql`update ingest.files set next_attempt_at = now() where path = 'a.csv'`;
    await deliver("a.csv", "b.csv", "c.csv");
    expect([await load(), await load(), await load()]).toEqual([true, true, false]);
    expect(await loadedInOrder()).toEqual(["b.csv", "c.csv", "a.csv"]);
});

test("promise 10: what a round has left comes before what follows it", async () => {
    const names = Array.from({ length: 600 }, (_, no) => `${String(no).padStart(3, "0")}.csv`);
    await deliver(...names);
    // None of the first five hundred: there was no room.
    expect(await loadRound(Object.assign(loader, { waitForRoom: async () => false }))).toBe(true);
    loader.waitForRoom = async () => true;
    while (await load()) {}
    expect(await loadedInOrder()).toEqual(names);
});

test("once nothing moves, the next round begins at the start", async () => {
    await deliver("b.csv");
    expect([await load(), await load()]).toEqual([true, false]);
    await deliver("a.csv", "b.csv", "c.csv");
    expect([await load(), await load()]).toEqual([true, false]);
    expect(await loadedInOrder()).toEqual(["b.csv", "a.csv", "c.csv"]);
});
