/** Each query of sql/examples, run as `bun run sql` runs it on a database that files were ingested into: what its header says comes back. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runReadonly } from "../../src/database/run-readonly.ts";
import { header, idOf, makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";

const folder = join(projectDir, "sql/examples");
const names = readdirSync(folder).sort();
const textOf = (name: string) => readFileSync(join(folder, name), "utf8");

/** The columns that the second line of the header names. */
const columnsOf = (name: string) =>
    textOf(name)
        .match(/^-- Columns: (.*)$/m)![1]!
        .split(", ");

const database = useDatabase(import.meta.path);
const inputDir = makeFolder();

beforeAll(async () => {
    const orders = [
        `${idOf(1)},view,p1,u1,2024-03-01 10:00:00,,`,
        `${idOf(2)},purchase,p1,u1,2024-03-01 11:00:00,2,5.00`,
        `${idOf(3)},wish,p2,,2024-03-01 12:00:00,,x`,
        `${idOf(4)},add_to_cart,p1,u1,2024-03-01 10:30:00,,`,
        `${idOf(1)},view,p1,u1,2024-03-01 10:00:00,,`,
        `${idOf(5)},wish,p2,u2,2024-03-02 12:00:00,,`,
    ];
    // The time is another way of writing the same, the price another price.
    const corrections = [`${idOf(2)},purchase,p1,u1,2024-03-01T11:00:00Z,2,6.00`];
    const write = (name: string, lines: string[]) =>
        writeFileSync(join(inputDir, name), `${[header, ...lines].join("\n")}\n`);
    write("orders.csv", orders);
    await ingestFolder(database.target, inputDir);
    write("corrections.csv", corrections);
    write("orders_again.csv", orders);
    writeFileSync(join(inputDir, "broken.csv"), "nothing,of,ours\n1,2,3\n");
    await ingestFolder(database.target, inputDir);
    await database.sql`insert into ingest.event_types values ('wish')`;
});

async function run(name: string): Promise<Record<string, string | null>[]> {
    const result = await runReadonly(database.target, textOf(name), { limit: 1000 });
    const columns = result.columns.map((column) => column.name);
    expect(columns).toEqual(columnsOf(name));
    return result.rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]!, value])));
}

/** Rows that must be among those that come, and how many come. */
const expected: Record<string, { rows: number; among: Record<string, unknown>[] }> = {
    "balance_totals.sql": {
        rows: 1,
        among: [
            {
                ...{ read: "7", inserted: "3", duplicate: "1", conflict: "1", rejected: "2", displaced: "0" },
                ...{ pruned: "0", events: "3", inserted_less_displaced_and_pruned: "3" },
            },
        ],
    },
    "compare_conflicts.sql": {
        rows: 1,
        among: [
            {
                ...{ event_id: idOf(2), column_name: "price", stored: "5.00", arrived: "6.00" },
                ...{ stored_from: "orders.csv", arrived_from: "corrections.csv" },
            },
        ],
    },
    "count_funnel.sql": {
        rows: 1,
        among: [
            {
                ...{ day: "2024-03-01", viewed: "1", added_to_cart: "1", purchased: "1" },
                percent_of_viewers_who_bought: "100.0",
            },
        ],
    },
    "count_reject_reasons.sql": {
        rows: 4,
        among: [
            { kind: "rejected", reason: "event_type_unknown", standing: "2", resolved: "0" },
            { kind: "conflict", reason: "event_id_conflict", standing: "1" },
        ],
    },
    "explain_record.sql": {
        rows: 1,
        among: [
            { path: "orders.csv", outcome: "rejected", reasons: "{event_type_unknown,user_id_missing,price_invalid}" },
        ],
    },
    "find_batch_of_event.sql": {
        rows: 1,
        among: [{ event_id: idOf(1), kind: "merge", path: "orders.csv", record_no: "1" }],
    },
    "find_replay_candidates.sql": { rows: 1, among: [{ reasons: "{event_type_unknown}", rejects: "1" }] },
    "list_batches_since.sql": { rows: 2, among: [{ payload: expect.stringContaining('"inserted" : 3') }] },
    "list_landed_files.sql": {
        rows: 2,
        among: [{ path: "orders.csv", records: "6", inserted: "3", duplicate: "1", conflict: "0", rejected: "2" }],
    },
    "list_troubled_files.sql": {
        rows: 2,
        among: [
            { path: "orders_again.csv", state: "skipped", problem: "copy", copy_of: "orders.csv" },
            { path: "broken.csv", state: "failed", copy_of: null },
        ],
    },
    "measure_freshness.sql": {
        rows: 2,
        among: [{ path: "corrections.csv", seconds: expect.stringMatching(/^\d+\.\d{3}$/) }],
    },
    "rank_products.sql": {
        rows: 1,
        among: [{ product_id: "p1", revenue: "10.00", purchases: "1", quantity: "2", events: "3" }],
    },
    "rank_slow_batches.sql": { rows: 2, among: [{ read: "6", total_ms: expect.stringMatching(/^\d+\.\d$/) }] },
    "share_rejects_by_file.sql": {
        rows: 1,
        among: [
            {
                ...{ path: "orders.csv", records: "6", rejected: "2", percent: "33.3" },
                reasons: '{"price_invalid": 1, "user_id_missing": 1, "event_type_unknown": 2}',
            },
        ],
    },
    "show_backlog.sql": { rows: 2, among: [{ step: "to be tried again, or given up", files: "1" }] },
};

test("each example has rows that it must give here", () => {
    expect(Object.keys(expected).sort()).toEqual(names);
});

test("each begins with a question or a sentence, then its columns, and is one statement", () => {
    for (const name of names) {
        expect(textOf(name), name).toMatch(/^-- [A-Z].*[.?]\n-- Columns: [a-z_]+(, [a-z_]+)*\n/);
        expect(textOf(name).replace(/--.*$/gm, "").trim(), name).toMatch(/^(with|select)\s[^;]*;$/);
    }
});

describe.each(names)("%s", (name) => {
    test("gives the columns that it names, and the rows that are there", async () => {
        const rows = await run(name);
        const { rows: count, among } = expected[name]!;
        for (const row of among) expect(rows).toContainEqual(expect.objectContaining(row));
        expect(rows).toHaveLength(count);
    });
});

test("bun run sql --file takes one", async () => {
    const args = ["--json", "--database-url", database.url, "--file", join(folder, "rank_products.sql")];
    const { exitCode, stdout } = await runScript("sql", args);
    expect({ exitCode, rows: JSON.parse(stdout) }).toMatchObject({ exitCode: 0, rows: [{ product_id: "p1" }] });
});

test.each([
    [[], "missing_argument"],
    [[""], "missing_argument"],
    [["--file", join(folder, "none.sql")], "no_such_file"],
    [["select 1", "--file", join(folder, "rank_products.sql")], "bad_argument"],
])("bun run sql should fail: %p", async (args, code) => {
    const { exitCode, stderr } = await runScript("sql", ["--database-url", database.url, ...args]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(`code:  ${code} `) });
});

test("what waits is shown while it waits", async () => {
    await database.sql`
        insert into ingest.files (path, size_bytes, mtime_ns, inode) values ('waiting.csv', 100, 1, 1)`;
    expect(await run("show_backlog.sql")).toContainEqual(
        expect.objectContaining({ step: "to be read", files: "1", bytes: "100" }),
    );
});
