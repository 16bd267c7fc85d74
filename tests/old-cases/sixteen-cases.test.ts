/** The sixteen cases of the project before this one, by the names it gave them: docs/test_cases.md. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { useDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";
import { runCase, sixteenCases } from "./sixteen-cases.ts";

const database = useDatabase(import.meta.path);

test.each(sixteenCases.map((oldCase) => [oldCase.name, oldCase] as const))(
    "%s",
    async (_, oldCase) => {
        const { seen, passed } = await runCase(oldCase, database);

        expect({ seen, passed }).toEqual({ seen, passed: true });
    },
    90_000,
);

test("docs/test_cases.md lists them, with what is done and expected", () => {
    const page = readFileSync(join(projectDir, "docs/test_cases.md"), "utf8");
    const rows = [...page.matchAll(/^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|/gm)].map((row) => row.slice(1));

    expect(rows).toEqual(
        sixteenCases.map(({ name, done, expected }, index) => [String(index + 1), name, done, expected]),
    );
});
