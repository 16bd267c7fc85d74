/** docs/guarantees.md names tests that are there, for each of the ten promises that the README makes. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../support/test-server.ts";

const readText = (file: string) => readFileSync(join(projectDir, file), "utf8");
const page = readText("docs/guarantees.md");
const namedTest = /`(tests\/[^`]+\.test\.ts)`:\s+“([^”]+)”/g;
const namedTests = [...page.matchAll(namedTest)].map(([, file, name]) => ({ file: file!, name: name! }));

test.each(namedTests.map(({ file, name }) => [name, file] as const))("“%s” is a test of %s", (name, file) => {
    // Within the quotes of a test's name.
    const source = readText(file);
    const at = source.indexOf(name);
    expect(at, `${file} has no such test`).toBeGreaterThan(0);
    const lineStart = source.lastIndexOf("\n", at) + 1;
    const before = source.slice(lineStart, at);
    expect(before).toMatch(/(test|describe)[^"'`]*["'`][^"`]*$|^\s*\[?["'`][^"`]*$|\)\(\s*["'`][^"`]*$/);
});

test("every test file that it names comes with a test of it", () => {
    expect(namedTests.length).toBe([...page.matchAll(/`tests\/[^`]+\.ts`/g)].length);
});

test("every promise of the README is there, under its number and name, with two tests at least", () => {
    const promised = [...readText("README.md").matchAll(/^(\d+\. )\*\*([^.]+)\.\*\*/gm)].map(
        ([, number, name]) => `${number}${name!.toLowerCase()}`,
    );
    const sections = page.split(/^### /m).slice(1);
    expect(sections.map((section) => section.split("\n")[0]!.toLowerCase())).toEqual(promised);
    expect(promised).toHaveLength(10);
    for (const section of sections) {
        expect([...section.split(/^## /m)[0]!.matchAll(namedTest)].length).toBeGreaterThanOrEqual(2);
    }
});
