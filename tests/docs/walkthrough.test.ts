/** Every command of docs/walkthrough.md does what the page says, in order, on a clean copy; none is left out. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";
import { readBlocks } from "./read-blocks.ts";
import { openReader, type Reader } from "./run-document.ts";

const blocks = readBlocks(readFileSync(join(projectDir, "docs/walkthrough.md"), "utf8"));

let reader: Reader;
beforeAll(async () => {
    reader = await openReader();
}, 30_000);
afterAll(() => reader.close(), 30_000);

test("has no block that is not run", () => {
    expect(blocks.filter(({ kind }) => kind === "not-run")).toEqual([]);
});

test.each(blocks.map((block) => [`${block.chapter}, line ${block.line}`, block] as const))(
    "%s",
    async (_, block) => {
        await reader.follow(block);
    },
    120_000,
);
