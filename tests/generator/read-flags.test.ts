import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { defaultGeneratorOptions } from "../../src/shop/generator/options.ts";
import { readGeneratorFlags } from "../../src/shop/generator/read-flags.ts";
import { makeFolder } from "../support/fixture.ts";

describe("flags", () => {
    test("that are missing leave the defaults, and the seed that was drawn", () => {
        expect(readGeneratorFlags({}, 42)).toEqual({ options: { ...defaultGeneratorOptions, seed: 42 }, faults: [] });
    });

    test("are read by what they mean", () => {
        const flags = {
            outputDir: "here",
            minRecords: "1",
            maxRecords: "2",
            sleep: ".25",
            files: "3",
            seed: "4",
            dirty: "0.5",
            duplicates: "1",
            late: "0.75",
            startTime: "2024-05-01T12:00:00+02:00",
        };
        expect(readGeneratorFlags(flags, 42)).toEqual({
            options: {
                outputDir: "here",
                minRecords: 1,
                maxRecords: 2,
                sleepSeconds: 0.25,
                files: 3,
                seed: 4,
                dirtyRatio: 0.5,
                duplicateRatio: 1,
                lateRatio: 0.75,
                startTime: new Date("2024-05-01T10:00:00Z"),
            },
            faults: [],
        });
    });

    test("that cannot be read are all named", () => {
        for (const text of ["", " ", "two", "0x10", "1e3", "1_000", "NaN", "Infinity", "2s"]) {
            const { faults } = readGeneratorFlags({ sleep: text, files: text }, 1);
            expect(faults.map(({ flag }) => flag)).toEqual(["--sleep", "--files"]);
        }
        for (const text of [
            "2024-05-01",
            "2024-05-01T12:00:00",
            "2024-02-30T12:00:00Z",
            "2024-05-01T25:00:00Z",
            "now",
        ]) {
            expect(readGeneratorFlags({ startTime: text }, 1).faults).toHaveLength(1);
        }
    });
});

describe("bun run generate", () => {
    const script = join(import.meta.dir, "../../scripts/generate.ts");
    const start = (...flags: string[]) =>
        Bun.spawn([process.execPath, script, ...flags], { stdout: "pipe", stderr: "pipe" });

    test("writes the files and says with which seed", async () => {
        const dir = makeFolder();
        const child = start("--output-dir", dir, "--files", "2", "--sleep", "0", "--max-records", "10");
        expect(await new Response(child.stdout).text()).toMatch(
            /^Wrote 2 files of 20 records to .* \(--seed \d+\)\.\n$/,
        );
        expect([await child.exited, readdirSync(dir).length]).toEqual([0, 2]);
    });

    test("names all faults of text and meaning at once, and exits with 2", async () => {
        const child = start("--sleep", "two", "--min-records", "200", "--dirty", "2");
        const message = await new Response(child.stderr).text();
        for (const part of ['--sleep "two"', "--min-records 200", "--dirty 2"]) expect(message).toContain(part);
        expect(await child.exited).toBe(2);
    });

    test("stops on a signal with nothing half-written, and exits with 143", async () => {
        const dir = makeFolder();
        const child = start("--output-dir", dir, "--min-records", "999999999", "--max-records", "999999999");
        while (readdirSync(dir).length === 0) await Bun.sleep(5);
        child.kill("SIGTERM");
        expect([await child.exited, readdirSync(dir)]).toEqual([143, []]);
    });
});
