/** `rejects --id`, `rejects --set` and `replay --preview`: what a person reads and types to decide. */
import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { header, idOf, makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const run = (name: string, ...args: string[]) => runScript(name, [...args, "--database-url", database.url]);
const idAt = async (recordNo: number) =>
    String(
        (
            await database.sql<{ id: number }[]>`
                select reject_id as id from ingest.rejects
                where record_no = ${recordNo} and resolved_by_batch is null`
        )[0]!.id,
    );

beforeAll(async () => {
    const folder = makeFolder();
    const record = (n: number, price: string, type = "view") => `${idOf(n)},${type},p,u,2024-01-01 00:00:00,1,${price}`;
    const lines = [record(1, "1"), record(1, "2"), record(2, "x", "vew"), record(3, "-1"), record(4, "-1")];
    writeFileSync(join(folder, "a.csv"), `${[header, ...lines].join("\n")}\n`);
    await ingestFolder(database.target, folder);
});

test("a conflict is shown beside the stored row, with a sign where they differ; trace shows those columns", async () => {
    const id = await idAt(2);
    const { stdout, exitCode } = await run("rejects", "--id", id);
    expect(exitCode).toBe(0);
    const table = stdout.slice(stdout.indexOf("   column"), stdout.indexOf("\n\nReplace")).split("\n");
    expect(table[0]).toMatch(/^ {3}column +stored +arriving$/);
    expect(table.filter((line) => line.startsWith("≠"))).toEqual([expect.stringMatching(/^≠ {2}price +1\.00 +2$/)]);
    expect(stdout).toMatch(new RegExp(`bun run replay .*--id ${id} --accept-conflicts --preview`));
    expect((await run("trace", "a.csv:2")).stdout).toMatch(/≠ {2}price +1\.00 +2/);
});

test("an edit is previewed without a trace, saved, and shown with its reasons", async () => {
    const id = await idAt(3);
    const preview = await run("rejects", "--id", id, "--set", "price=3", "--preview");
    expect(preview.stdout).toContain("Nothing was changed.");
    expect(preview.stdout).toContain(`reject ${id} would still be rejected: event_type_unknown`);
    const [before] = await database.sql`select edited_at from ingest.rejects where reject_id = ${id}`;
    expect(before).toEqual({ edited_at: null });

    const saved = await run("rejects", "--id", id, "--set", "price=3", "--set", "event_type=view");
    expect([saved.exitCode, saved.stdout.split("\n")[0]]).toEqual([0, "Saved."]);
    const replayed = await run("replay", "--id", id, "--json");
    expect(JSON.parse(replayed.stdout)).toMatchObject({ inserted: 1, samples: [{ outcome: "inserted" }] });
    const late = await run("rejects", "--id", id, "--set", "price=4");
    expect([late.exitCode, late.stderr]).toEqual([1, expect.stringContaining("reject_resolved")]);
});

test("one column of many asks first, and a preview says what would come of it", async () => {
    const filter = ["--reason", "price_negative", "--set", "price=5"];
    const refused = await run("rejects", ...filter);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining("confirmation_needed")]);
    expect((await run("rejects", ...filter, "--preview")).stdout).toContain("2 records would be inserted.");
    const { stdout } = await run("rejects", ...filter, "--yes", "--json");
    expect(JSON.parse(stdout)).toEqual({ edited: 2, unchanged: 0, busy: 0, resolved: 0 });
});

test("a replay is chosen by the same filter, and its preview shows rows side by side", async () => {
    const none = await run("replay", "--column", "user_id", "--preview", "--json");
    expect(JSON.parse(none.stdout)).toMatchObject({ read: 0, unchanged: 0 });
    const { stdout } = await run(
        "replay",
        "--column",
        "price",
        "--kind",
        "conflict",
        "--accept-conflicts",
        "--preview",
    );
    expect(stdout).toContain(`reject ${await idAt(2)} would replace the stored row`);
    expect(stdout).toMatch(/≠ {2}price +1\.00 +2/);
    const accepted = await run("replay", "--contains", idOf(1), "--accept-conflicts", "--yes", "--json");
    expect(JSON.parse(accepted.stdout)).toMatchObject({ displaced: 1 });
    await expectChecksToPass(database.sql);
});

test.each([
    [["rejects", "--set", "price=1"], "filter_needed"],
    [["rejects", "--id", "1", "--set", "prize=1"], "column_unknown"],
    [["rejects", "--id", "99999"], "reject_unknown"],
    [["rejects", "--column", "prize"], "column_unknown"],
    [["rejects", "--file", "a.csv", "--set", "price=1", "--set", "quantity=2"], "bad_flag_value"],
    [["replay", "--until", "some day"], "bad_flag_value"],
    [["rejects", "--id", "1", "--set", "price"], "invalid_argument"],
] as const)("should fail: %p, with %s", async ([name, ...args], code) => {
    const { exitCode, stderr } = await run(name, ...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(code)]);
});
