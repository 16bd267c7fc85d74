/** Copies are files of which nothing is in the ledger yet. Found by `bun run test:faults`, seed 794457949. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const content =
    "event_id,event_type,product_id,user_id,event_timestamp,quantity,price\n" +
    "00000000-0000-4000-8000-000000000001,view,p,u,2024-01-01 00:00:00,,1\n";
/** A header that could be whole: all required columns are in it. */
const unfinished = content.slice(0, content.indexOf(",quantity"));

let database: TestDatabase;
let inputDir: string;
beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
    inputDir = mkdtempSync(join(tmpdir(), "sluice-copies-"));
});
afterAll(async () => {
    await database.drop();
    rmSync(inputDir, { recursive: true });
});

test("a file whose unfinished header was taken, and that then grows into what another file says, is read to its end", async () => {
    writeFileSync(join(inputDir, "original.csv"), content);
    writeFileSync(join(inputDir, "slow.csv"), unfinished);
    await ingestFolder(database.target, inputDir);
    appendFileSync(join(inputDir, "slow.csv"), content.slice(unfinished.length));
    const { records, files } = await ingestFolder(database.target, inputDir);

    expect(records).toEqual({ read: 1, inserted: 0, duplicate: 1, conflict: 0, rejected: 0 });
    expect(files).toEqual({ merged: 1, skipped: 0, failed: 0 });
});
