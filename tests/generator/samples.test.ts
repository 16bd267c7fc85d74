import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { generatorFlags, readGeneratorFlags } from "../../src/shop/generator/options.ts";
import { runGenerator } from "../../src/shop/generator/run-generator.ts";
import { countFolder } from "../support/count-records.ts";
import { makeFolder } from "../support/fixture.ts";

const samples = join(import.meta.dir, "../../data/samples");
const listFiles = (dir: string) =>
    readdirSync(dir)
        .filter((name) => name.endsWith(".csv"))
        .toSorted();

test("the samples are what their README says they were generated with", async () => {
    const dir = makeFolder();
    const commandLines = readFileSync(join(samples, "README.md"), "utf8").matchAll(/^ {4}(--.*)$/gm);
    for (const [, commandLine = ""] of commandLines) {
        const command = new Command().exitOverride();
        for (const option of generatorFlags) command.addOption(option);
        command.parse(["--output-dir", dir, ...commandLine.split(" ")], { from: "user" });
        const { options, faults } = readGeneratorFlags(command.opts(), 0);
        expect(faults).toEqual([]);
        await runGenerator(options, { signal: new AbortController().signal });
    }
    expect(listFiles(dir)).toEqual(listFiles(samples));
    for (const name of listFiles(dir)) {
        expect(readFileSync(join(dir, name), "latin1")).toBe(readFileSync(join(samples, name), "latin1"));
    }
});

test("the samples hold what a count by hand found", () => {
    const { files } = countFolder(samples);
    const counts = files.map((file) => [file.read, file.inserted, file.duplicate, file.conflict, file.rejected]);
    expect(counts).toEqual([
        [20, 20, 0, 0, 0],
        [21, 21, 0, 0, 0],
        [19, 19, 0, 0, 0],
        [24, 8, 4, 1, 11],
    ]);
});
