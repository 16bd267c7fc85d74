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
    expect(namedTests.length).toBe(page.split("`tests/").length - 1);
});

test("every promise of the README is there, under its number and name, with two tests at least", () => {
    const [, named] = /^\[Ten guarantees\]\(docs\/guarantees\.md\)[^:]*: ([^.]+)\./m.exec(readText("README.md"))!;
    const promised = named!.split(/,\s+/).map((name, index) => `${index + 1}. ${name}`);
    const sections = page.split(/^### /m).slice(1);
    expect(sections.map((section) => section.split("\n")[0]!.toLowerCase())).toEqual(promised);
    expect(promised).toHaveLength(10);
    for (const section of sections) {
        expect([...section.split(/^## /m)[0]!.matchAll(namedTest)].length).toBeGreaterThanOrEqual(2);
    }
});
