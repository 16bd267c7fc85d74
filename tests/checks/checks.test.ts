/** Each check of sql/checks/ passes on a database where everything adds up, and sees the one thing that it guards. */
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readChecks } from "../../src/operations/find-checks.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { useDatabase } from "../support/fixture.ts";
import { undoing } from "../support/sessions.ts";
import { corruptions, sumChecks } from "./corruptions.ts";

type Row = Record<string, unknown>;

const checks = readChecks();
const checkNames = checks.map((check) => check.name);

const database = useDatabase(import.meta.path);

beforeAll(async () => {
    // One text, one transaction, one now().
    await database.sql.unsafe(await Bun.file(join(import.meta.dir, "consistent-ledger.sql")).text());
});

/** Runs every check after `damage`, which is undone; gives the rows of those that fail. */
async function failingChecks(damage: string): Promise<Map<string, Row[]>> {
    const results = await undoing(database.sql, async (sql) => {
        await sql.unsafe(damage);
        return await runChecks(sql);
    });
    expect(results.filter(({ error }) => error !== null)).toEqual([]);
    return new Map(results.filter(({ passed }) => !passed).map(({ name, sampleRows }) => [name, sampleRows]));
}

test("no check fails on a database where everything adds up", async () => {
    expect([...(await failingChecks("select 1"))]).toEqual([]);
});

test("every check has a corruption that it guards against", () => {
    expect(Object.keys(corruptions).sort()).toEqual(checkNames);
});

test("every check begins with a sentence and is one statement", () => {
    for (const { name, asserts, query } of checks) {
        expect(asserts, name).toMatch(/^[A-Z].*[.)]$/);
        expect(query.replace(/--.*$/gm, "").trim(), name).toMatch(/^(with|select)\s[^;]*$/);
    }
});

describe.each(Object.entries(corruptions))("%s", (check, all) => {
    test.each(all.map((corruption) => [corruption.what, corruption] as const))(
        "sees %s",
        async (_what, { corrupt, row, alsoFails = [] }) => {
            const failing = await failingChecks(corrupt);

            const isExpected = [check, ...alsoFails];
            const seenBy = [...failing.keys()].filter((name) => isExpected.includes(name) || !sumChecks.includes(name));
            expect(seenBy.sort()).toEqual(isExpected.sort());
            expect(failing.get(check)).toContainEqual(expect.objectContaining(row));
        },
    );
});
