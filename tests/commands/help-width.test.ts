import { describe, expect, test } from "bun:test";
import { hasCommand, runScript } from "../support/run-script.ts";

const helpAt = async (columns: number, script: string, args: readonly string[]) =>
    (await runScript(script, args, { environment: { COLUMNS: String(columns) } })).stdout;

/** A flag and a command line are one piece: they may stand out, alone on their line. */
const isTerm = (line: string) => /^ {2}(-|bun run |sluice |[A-Z_]+=|[a-z<[]+\S*$)/.test(line);
const words = (text: string) => text.split(/\s+/).filter((word) => word !== "");

describe.each([40, 80, 120])("%d columns", (columns) => {
    test.each(["sluice", "ingest", "add", "bench"].filter(hasCommand))(
        "no text of %s --help is wider",
        async (name) => {
            const lines = (await helpAt(columns, name, ["--help"])).split("\n");

            expect(lines.filter((line) => line.length > columns && !isTerm(line))).toEqual([]);
            expect(Math.max(...lines.map((line) => line.length))).toBeGreaterThan(columns * 0.8);
        },
    );
});

test("every width has the same words, in the same order", async () => {
    const [narrow, wide] = [await helpAt(40, "ingest", ["--help"]), await helpAt(160, "ingest", ["--help"])];

    expect(words(narrow)).toEqual(words(wide));
});

test("where flags leave no room, a text stands below its flag; where they do, beside it", async () => {
    expect(await helpAt(40, "retry", ["--help"])).toContain(
        "\n  --file <path>\n      this file, as the watched folder\n      names it\n",
    );
    expect(await helpAt(120, "retry", ["--help"])).toMatch(
        /\n {2}--file <path> +this file, as the watched folder names it\n/,
    );
});
