/** A value that is refused for a character that cannot be seen looks right: every command that shows it shows the character. */
import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);
const dir = makeFolder();
beforeAll(async () => {
    const lines = [
        "event_id,event_type,product_id,user_id,event_timestamp,quantity,price",
        "00000000-0000-4000-8000-000000000001,purchase\u00a0,p,u,2024-01-01 00:00:00,1,1",
        "\u200b00000000-0000-4000-8000-000000000002,view,p,u,2024-01-01\u202f00:00:00,\u30001,1\u3164",
        "00000000-0000-4000-8000-000000000003,view,p,u,2024-01-01 00:00:00,,",
    ];
    writeFileSync(join(dir, "a.csv"), `${lines.join("\n")}\n`);
    await ingestFolder(database.target, dir);
});

const explanation = "stand for invisible characters";

test.each([
    ["rejects", [[]]],
    ["try", [["a.csv"]]],
    ["trace", [["a.csv:1"], ["a.csv:2"]]],
] as [string, string[][]][])("%s shows them, and says what they are", async (name, calls) => {
    let said = "";
    for (const args of calls) {
        const places = name === "try" ? args.map((path) => join(dir, path)) : args;
        said += (await runScript(name, [...places, "--database-url", database.url])).stdout;
    }
    for (const shown of ["purchase\\xa0", "\\u{200b}0000", "01-01\\u{202f}00", "\\u{3000}1", "1\\u{3164}", explanation])
        expect(said).toContain(shown);
});

test("what has none is not explained", async () => {
    expect((await runScript("trace", ["a.csv:3", "--database-url", database.url])).stdout).not.toContain(explanation);
});
