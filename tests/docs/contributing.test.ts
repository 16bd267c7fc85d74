/** The worked examples of CONTRIBUTING.md, each carried out on a copy of the project. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";
import { readBlocks } from "./read-blocks.ts";
import { openReader, type Reader } from "./run-document.ts";

const blocks = readBlocks(readFileSync(join(projectDir, "CONTRIBUTING.md"), "utf8"));
const examples = ["How to add a rule", "How to add a column", "How to add an endpoint", "How to add a check"];

let reader: Reader;
beforeAll(async () => {
    reader = await openReader();
    await reader.follow({ ...blocks[0]!, kind: "run", command: "bun install --frozen-lockfile --silent" });
}, 60_000);
afterAll(() => reader.close(), 30_000);

test("the only block that is not run is the whole suite", () => {
    expect(blocks.filter(({ kind }) => kind === "not-run").map(({ chapter }) => chapter)).toEqual(["Contributing"]);
});

test.each(examples)(
    "%s",
    async (chapter) => {
        const steps = blocks.filter((block) => block.chapter === chapter);
        for (const step of steps) await reader.follow(step);

        expect(steps.some(({ kind }) => kind === "run")).toBe(true);
    },
    120_000,
);
