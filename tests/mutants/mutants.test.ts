/** The mutants of `bun run test:mutants` still fit the code that they are made of. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";
import { applyEdit, mutants } from "./mutants.ts";

const readText = (file: string) => readFileSync(join(projectDir, file), "utf8");

test.each(mutants.map((mutant) => [mutant.without, mutant] as const))(
    "%s can be taken out, and the tests that have to notice are there",
    (_, { edits, tests: { files, pattern } }) => {
        for (const edit of edits) expect(applyEdit(readText(edit.file), edit)).not.toBe(readText(edit.file));
        expect(files.filter((file) => !existsSync(join(projectDir, file)))).toEqual([]);
        // Names of tests are partly made at run time: that the pattern meets some, the first pass of test:mutants shows.
        expect(pattern === undefined || pattern.length > 5).toBe(true);
    },
);

test("should fail: a mutant whose code has moved", () => {
    const edit = { file: "a.sql", find: "for update", replace: "" };
    expect(applyEdit("select for update", edit)).toBe("select ");
    expect(() => applyEdit("select", edit)).toThrow("a.sql has this text 0 times, not once: for update");
    expect(() => applyEdit("for update, for update", edit)).toThrow("2 times");
});
