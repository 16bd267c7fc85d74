import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";

/** Made by tools or by the program, or a user's own: never committed. */
const notOurs = [".git", ".env", ".DS_Store", "node_modules", "dist", "coverage", "sluice.config.ts", "streams"];
const committedData = ["input_data", "samples"];
const deepFolders = ["data", "docs", "drizzle", "sql", "src", "tests"];

const isFolder = (...path: string[]) => statSync(join(projectDir, ...path)).isDirectory();

/** `sql/checks/`, `README.md`: folders down to the second level, and the root's files. */
function listTree(): string[] {
    const top = readdirSync(projectDir).filter((name) => !notOurs.includes(name) && !name.endsWith(".log"));
    const below = deepFolders.flatMap((folder) =>
        readdirSync(join(projectDir, folder))
            .filter((name) => isFolder(folder, name))
            .filter((name) => folder !== "data" || committedData.includes(name))
            .map((name) => `${folder}/${name}/`),
    );
    return [...top.map((name) => (isFolder(name) ? `${name}/` : name)), ...below];
}

/** The same from the page: what is indented belongs to the folder above. */
function listPage(): string[] {
    const page = readFileSync(join(projectDir, "docs/folder_structure.md"), "utf8");
    let folder = "";
    return page
        .split("```text\n")[1]!
        .split("\n```")[0]!
        .split("\n")
        .map((line) => {
            const [, indent = "", name = "", says = ""] = /^( *)(\S+) +(.*)$/.exec(line) ?? [];
            expect(says, line).not.toBe("");
            if (indent === "") folder = name;
            return indent === "" ? name : `${folder}${name}`;
        });
}

test("docs/folder_structure.md names every folder, and none that is not there", () => {
    expect(listPage().toSorted()).toEqual(listTree().toSorted());
});
