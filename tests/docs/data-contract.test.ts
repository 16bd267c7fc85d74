/** docs/data_contract.md and the code say the same: every code, and what really gets it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileProblems } from "../../src/database/file-problems.ts";
import { recordKinds } from "../../src/engine/read/scanned-records.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { rejectReasonsOf } from "../../src/streams/reject-reasons.ts";
import { columnNames } from "../../src/streams/stream.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { projectDir } from "../support/test-server.ts";

const page = readFileSync(join(projectDir, "docs/data_contract.md"), "utf8");
const eventColumns = columnNames(eventsStream);
const header = eventColumns.join(",");
const goodValues = ["6f1c7b9e-53f0-4a58-9d0e-4b3c0a9f1d22", "view", "p-1", "u-7", "2026-01-31 07:29:31", "2", "19.99"];

/** The cells of the rows of a section's table. */
function tableOf(title: string): string[][] {
    const section = page.split(`## ${title}\n`)[1]!.split("\n## ")[0]!;
    const rows = section.split("\n").filter((line) => line.startsWith("| `"));
    return rows.map((row) => row.slice(2, -2).split(" | "));
}

const unquoted = (cell: string) => /^`(.*)`$/.exec(cell)![1]!;
const reasonRows = ["Reasons of the rules", "Reasons of the text", "Refused by the table", "Conflicts"].flatMap(
    tableOf,
);
const examples = reasonRows.map(([reason, , example]) => [unquoted(reason!), unquoted(example!)] as const);

/** The examples have one event_id: what claims it comes first, by its name, and what is refused claims none. */
const firstPaths: Record<string, string> = { refused_by_table: "0.csv", event_id_conflict: "1.csv" };
const pathOf = (reason: string) => firstPaths[reason] ?? `${reason}.csv`;

/** `{p×101}` is 101 p's, `\xNN` a byte. */
function bytesOf(example: string): Buffer {
    const match = /^(\w+)=(.*)$/s.exec(example);
    const column = eventColumns.indexOf(match?.[1] ?? "");
    const line = column === -1 ? example : goodValues.with(column, match![2]!).join(",");
    const repeated = line.replace(/\{(.)×(\d+)\}/g, (_, character: string, times: string) =>
        character.repeat(Number(times)),
    );
    const pieces = repeated.split(/\\x([0-9a-f]{2})/);
    return Buffer.concat(pieces.map((piece, index) => Buffer.from(piece, index % 2 === 1 ? "hex" : "utf8")));
}

const database = useDatabase(import.meta.path);
const inputDir = makeFolder();
beforeAll(async () => {
    const good = Buffer.from(`${goodValues.join(",")}\n`);
    for (const [reason, example] of examples) {
        // Only the conflict needs the event that it contradicts.
        const before = reason === "event_id_conflict" ? good : Buffer.alloc(0);
        // A column without a name: the example fills it, as two records before it do not.
        const unnamed = [header, goodValues, goodValues].map((line) => `${line},\n`).join("");
        const names = reason === "unnamed_value" ? unnamed : `${header}\n`;
        const content = [Buffer.from(names), before, bytesOf(example), Buffer.from("\n")];
        await writeFile(join(inputDir, pathOf(reason)), Buffer.concat(content));
    }
    // The example of refused_by_table breaks this constraint.
    await database.sql`alter table events add constraint products_known check (product_id <> 'p-unknown')`;
    await ingestFolder(database.target, inputDir);
}, 30_000);

test("every reason that the code knows is on the page, once, and no other", () => {
    const rules = readFileSync(join(projectDir, "sql/events/event_rules.sql"), "utf8").replace(/--.*$/gm, "");
    const ofRules = [...rules.matchAll(/\b(?:then|else) '([a-z_]+)'/g)].map(([, code]) => code!);
    // Events have a key: a tail that went on is read again, as any record.
    const ofText = recordKinds.filter((kind) => !kind.startsWith("strict") && kind !== "tail_continued");
    const known = [...new Set([...ofRules, ...ofText, "refused_by_table", "event_id_conflict"])].sort();

    expect(examples.map(([reason]) => reason).sort()).toEqual(known);
    expect(rejectReasonsOf(eventsStream).toSorted()).toEqual(known);
});

test.each(examples)("%s is what its example gets, and nothing else", async (reason) => {
    const path = pathOf(reason);
    const rejects = await database.sql`
        select rejects.reasons, rejects.kind
        from ingest.rejects
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files using (file_id)
        where files.path = ${path}`;

    expect([...rejects]).toEqual([
        { reasons: [reason], kind: reason === "event_id_conflict" ? "conflict" : "rejected" },
    ]);
});

test("the record that the examples change is good", async () => {
    expect((await database.sql`select count(*) from events`)[0]).toEqual({ count: 1 });
});

describe("files", () => {
    test("every problem that the code gives a file is on the page, and no other", () => {
        const folders = ["src/engine", "sql/engine", "src/streams"];
        const texts = folders.flatMap((folder) =>
            readdirSync(join(projectDir, folder), { recursive: true, encoding: "utf8" })
                .filter((name) => /\.(ts|sql)$/.test(name))
                .map((name) => readFileSync(join(projectDir, folder, name), "utf8")),
        );
        const problems = Object.keys(fileProblems).sort();
        const isGiven = (code: string) => texts.some((text) => new RegExp(`["']${code}["']`).test(text));

        expect(
            tableOf("Files")
                .map(([problem]) => unquoted(problem!))
                .sort(),
        ).toEqual(problems);
        expect(problems.filter((code) => !isGiven(code))).toEqual([]);
    });
});

test("the columns of the page are those of the contract", () => {
    expect(tableOf("Columns").map(([column]) => unquoted(column!))).toEqual([...eventColumns]);
});
