/** Every command of README.md does what it says, in order, on a clean copy: on a machine that has node and npm. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";
import { readBlocks } from "./read-blocks.ts";
import { openReader, type Reader } from "./run-document.ts";

const blocks = readBlocks(readFileSync(join(projectDir, "README.md"), "utf8"));

let reader: Reader;
beforeAll(async () => {
    reader = await openReader();
}, 30_000);
afterAll(() => reader.close(), 30_000);

test("the only block that is not run is the suite itself", () => {
    expect(blocks.filter(({ kind }) => kind === "not-run").map(({ command }) => command)).toEqual([
        "npx -y bun run test\n",
    ]);
});

test.each(blocks.map((block) => [`${block.chapter}, line ${block.line}`, block] as const))(
    "%s",
    async (_, block) => {
        await reader.follow(block);
    },
    120_000,
);
