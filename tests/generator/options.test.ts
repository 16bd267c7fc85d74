import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
    defaultGeneratorOptions,
    findOptionFaults,
    type GeneratorOptions,
    readGeneratorFlags,
} from "../../src/shop/generator/options.ts";
import { makeFolder } from "../support/fixture.ts";

describe("flags", () => {
    test("that are missing leave the defaults, and the seed that was drawn", () => {
        expect(readGeneratorFlags({}, 42)).toEqual({ options: { ...defaultGeneratorOptions, seed: 42 }, faults: [] });
    });

    test("are read by what they mean", () => {
        const numbers = { minRecords: "1", maxRecords: "2", files: "3", seed: "4" };
        const shares = { sleep: ".25", dirty: "0.5", duplicates: "1", late: "0.75" };
        const flags = { outputDir: "here", ...numbers, ...shares, startTime: "2024-05-01T12:00:00+02:00" };
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

    test.each(["", " ", "two", "0x10", "1e3", "1_000", "NaN", "Infinity", "2s"])("should not read %p", (text) => {
        const { faults } = readGeneratorFlags({ sleep: text, files: text }, 1);
        expect(faults.map(({ flag }) => flag)).toEqual(["--sleep", "--files"]);
    });

    test.each(["2024-05-01", "2024-05-01T12:00:00", "2024-02-30T12:00:00Z", "2024-05-01T25:00:00Z", "now"])(
        "should not take %p for an instant",
        (startTime) => {
            expect(readGeneratorFlags({ startTime }, 1).faults).toHaveLength(1);
        },
    );
});

describe("options", () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "file"), "");
    const faultsOf = (changes: Partial<GeneratorOptions>) =>
        findOptionFaults(
            { ...defaultGeneratorOptions, seed: 1, outputDir: folder, ...changes },
            new Date("2026-01-01"),
        ).map(({ flag }) => flag);

    test.each<[Partial<GeneratorOptions>, string]>([
        [{ dirtyRatio: 0.6, duplicateRatio: 0.41 }, "--dirty"],
        [{ dirtyRatio: 1.5 }, "--dirty"],
        [{ duplicateRatio: Number.NaN }, "--duplicates"],
        [{ lateRatio: 1.01 }, "--late"],
        [{ lateRatio: -0.1 }, "--late"],
        [{ minRecords: 101 }, "--min-records"],
        [{ minRecords: -1 }, "--min-records"],
        [{ files: 1.5 }, "--files"],
        [{ seed: -1 }, "--seed"],
        [{ sleepSeconds: -0.5 }, "--sleep"],
        [{ sleepSeconds: Number.POSITIVE_INFINITY }, "--sleep"],
        [{ sleepSeconds: 86_401 }, "--sleep"],
        [{ startTime: new Date("no date") }, "--start-time"],
        [{ startTime: new Date("1969-12-31T23:59:59Z") }, "--start-time"],
        [{ startTime: new Date("2026-01-02") }, "--start-time"],
        [{ outputDir: "" }, "--output-dir"],
        [{ outputDir: join(folder, "file", "below") }, "--output-dir"],
    ])("%p should fail", (changes, flag) => expect(faultsOf(changes)).toEqual([flag]));

    test.each<Partial<GeneratorOptions>>([
        { dirtyRatio: 0.6, duplicateRatio: 0.4 },
        { lateRatio: 1 },
        { minRecords: 100 },
        { minRecords: 0, maxRecords: 0 },
        { sleepSeconds: 86_400 },
        { startTime: new Date(0) },
        { outputDir: join(folder, "to", "be", "made") },
    ])("%p are possible", (changes) => expect(faultsOf(changes)).toEqual([]));

    test.skipIf(process.getuid?.() === 0)("should not name a folder that may not be written to", () => {
        const locked = makeFolder();
        chmodSync(locked, 0o555);
        expect(faultsOf({ outputDir: locked })).toEqual(["--output-dir"]);
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
