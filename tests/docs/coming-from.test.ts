/** The example of docs/coming-from, with Sluice; and its commands on the pages beside it, which are the same. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";
import { readBlocks } from "./read-blocks.ts";
import { followDocument } from "./run-document.ts";

const folder = "docs/coming-from";
const commandsOf = (page: string) =>
    readBlocks(readFileSync(join(projectDir, folder, page), "utf8"))
        .filter(({ kind }) => kind === "run")
        .flatMap(({ command }) => command.trimEnd().split("\n"));

followDocument(`${folder}/README.md`);

test("the other pages show the commands of the example", () => {
    const shown = commandsOf("README.md");
    const others = readdirSync(join(projectDir, folder)).filter((page) => page !== "README.md");

    expect(others.length).toBe(4);
    for (const page of others) {
        const commands = commandsOf(page);
        expect(commands, page).not.toEqual([]);
        for (const command of commands) expect(shown, page).toContain(command);
    }
});
