import { expect, test } from "bun:test";
import { changeText } from "./change-text.ts";
import { matches } from "./match-output.ts";
import { readBlocks } from "./read-blocks.ts";

/** Fences are written with quotes. */
const read = (document: string) => readBlocks(document.replaceAll("'''", "```"));

test("reads blocks with their chapter, line, kind and what they print", () => {
    const blocks = read(`# One
'''sh background
serve
'''
Prose between.
'''text exact
ready
'''
<!-- ctrl-c -->
'''text
bye
'''
## Two
'''text
no block's
'''
'''sh exit=1
fail
again
'''`);
    const plain = { path: null, exitCode: 0, isExact: false };

    expect(blocks).toEqual([
        {
            ...plain,
            kind: "background",
            chapter: "One",
            line: 2,
            command: "serve\n",
            printed: "ready\n",
            isExact: true,
        },
        { ...plain, kind: "ctrl-c", chapter: "One", line: 9, command: "", printed: "bye\n" },
        { ...plain, kind: "run", chapter: "Two", line: 17, command: "fail\nagain\n", exitCode: 1, printed: null },
    ]);
});

test("reads changes and new files with their path, and passes other code by", () => {
    const blocks = read("'''diff a.ts\n one\n+two\n'''\n'''sql b.sql\nselect 1\n'''\n'''json\n{}\n'''");

    expect(blocks.map(({ kind, path, command }) => [kind, path, command])).toEqual([
        ["change", "a.ts", " one\n+two\n"],
        ["new-file", "b.sql", "select 1\n"],
    ]);
});

test("SQL without a path is run, by the command that takes any statement", async () => {
    const [block, ...others] = read("'''sql\ninsert into a values ('$b');\n'''\n'''text\nINSERT 1\n'''");

    expect(others).toEqual([]);
    expect(block).toMatchObject({ kind: "run", printed: "INSERT 1\n" });
    const shown = block!.command.replace("bun run sql --write", "printf '%s'");
    expect(await new Response(Bun.spawn(["bash", "-c", shown]).stdout).text()).toBe("insert into a values ('$b');");
});

test("a change needs the one place that it names", () => {
    expect(changeText("one\nthree\nfour\n", " one\n+two\n@@\n-four\n")).toBe("one\ntwo\nthree\n");
    expect(() => changeText("one\none\n", " one\n+two\n")).toThrow("2 places");
    expect(() => changeText("three\n", " one\n+two\n")).toThrow("0 places");
});

test("a fence that says what it cannot be should fail, and so should one without an end", () => {
    expect(() => readBlocks("```sh backgruond\nx\n```")).toThrow('Line 1: a block cannot be "backgruond".');
    expect(() => readBlocks("\n```sh\nx\n")).toThrow("Line 2: the block has no end.");
});

const loose = { isExact: false };
const exact = { isExact: true };

test("numbers, uuids, white space and singulars may differ; words may not", () => {
    const printed = "2 batches of 3 files with 1,077 records   in 41 ms, 2,667/s: 6f1c7b9e-53f0-4a58-9d0e-4b3c0a9f1d22";

    const told = "1 batch of 1 file with 12 records in 1.2 s, 9/s: 00000000-0000-4000-8000-000000000001";
    expect(matches(`${told}\n`, printed, loose)).toBe(true);
    expect(matches(told.replace("batch", "lunch"), printed, loose)).toBe(false);
    expect(matches("1 batch of 1 file with 12 records in 1.2 s, fast", printed, loose)).toBe(false);
});

test("exact: counts must be the same, durations and rates may differ", () => {
    expect(matches("84 read in 9.7 s, 3/s", "84 read in 41 ms, 2,667/s", exact)).toBe(true);
    expect(matches("85 read in 41 ms, 2,667/s", "84 read in 41 ms, 2,667/s", exact)).toBe(false);
    expect(matches("85 read in 41 ms, 2,667/s", "84 read in 41 ms, 2,667/s", loose)).toBe(true);
});

test("all of the output is compared; … stands for a part of a line, a line of it for lines", () => {
    expect(matches("one\ntwo\n", "one", loose)).toBe(false);
    expect(matches("one\ntwo\n", "two", loose)).toBe(false);
    expect(matches("one\ntwo\nthree\n", "one\n…\nthree", loose)).toBe(true);
    expect(matches("one\ntwo\nfour\n", "one\n…\nthree", loose)).toBe(false);
    expect(matches("a secret here", "a … here", loose)).toBe(true);
});

test("what the embedded server says of its coming and going is not compared", () => {
    expect(matches("Started the embedded PostgreSQL on 127.0.0.1:1.\nyes\n", "yes", loose)).toBe(true);
});
