import { beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { SluiceError } from "../../src/errors.ts";
import { defaultGeneratorOptions, type GeneratorOptions } from "../../src/shop/generator/options.ts";
import { type GeneratedFile, runGenerator } from "../../src/shop/generator/run-generator.ts";
import { countFolder } from "../support/count-records.ts";
import { useFolder } from "../support/fixture.ts";

const parent = useFolder();
let outputDir: string;
beforeEach(() => {
    outputDir = join(parent, "input", "data");
    mkdirSync(outputDir, { recursive: true });
});

const startTime = new Date("2024-05-01T12:00:00.900Z");
const startSeconds = Math.floor(startTime.getTime() / 1000);

function options(changes: Partial<GeneratorOptions> = {}): GeneratorOptions {
    return { ...defaultGeneratorOptions, outputDir, files: 3, sleepSeconds: 0, seed: 1, startTime, ...changes };
}

const run = (changes: Partial<GeneratorOptions> = {}, controls: Partial<Parameters<typeof runGenerator>[1]> = {}) =>
    runGenerator(options(changes), { signal: new AbortController().signal, ...controls });

/** In byte order: a folder's own order is any. */
const listNames = (dir = outputDir) => readdirSync(dir).toSorted();
const readFolder = (dir = outputDir) => listNames(dir).map((name) => [name, readFileSync(join(dir, name), "latin1")]);

describe("files", () => {
    test("are named after their second and an index, and hold what was announced", async () => {
        const announced: GeneratedFile[] = [];
        const written = await run({ minRecords: 5, maxRecords: 9 }, { onFile: (file) => announced.push(file) });

        const counted = countFolder(outputDir).files;
        expect(announced.map(({ name, records }) => ({ file: name, read: records }))).toEqual(
            counted.map(({ file, read }) => ({ file, read })),
        );
        expect(announced.map(({ name }) => name)).toEqual(
            [0, 1, 2].map((index) => `events_${startSeconds}_${index}.csv`),
        );
        expect(announced.map(({ bytes }) => bytes)).toEqual(readFolder().map(([, text]) => text!.length));
        expect(written).toEqual({ files: 3, records: counted.reduce((sum, { read }) => sum + read, 0) });
        expect(counted.every(({ read }) => read >= 5 && read <= 9)).toBe(true);
    });

    test("of one seed and start time have the same names and bytes in another folder, which is made", async () => {
        const mix = { dirtyRatio: 0.2, duplicateRatio: 0.2, lateRatio: 0.2, files: 20 };
        await run(mix);
        await run({ ...mix, outputDir: join(parent, "made", "again") });
        expect(readFolder(join(parent, "made", "again"))).toEqual(readFolder());
    });

    test("follow each other by the pause when the start time is pinned", async () => {
        await run({ sleepSeconds: 0.02, files: 8 });
        const seconds = listNames().map((name) => Number(name.split("_")[1]) - startSeconds);
        // .90, .92, .94, .96, .98, then 1.00, 1.02, 1.04.
        expect(seconds).toEqual([0, 0, 0, 0, 0, 1, 1, 1]);
    });

    test("without a start time follow the clock, which is never taken back", async () => {
        const times = [5_000_500, 5_000_500, 5_003_000, 4_000_000];
        await run({ startTime: null }, { now: () => times.shift()! });
        // The first reading is for checking the options.
        expect(listNames()).toEqual(["events_5000_0.csv", "events_5003_0.csv", "events_5003_1.csv"]);
        const latest = [...countFolder(outputDir).events.values()].map(({ content }) => JSON.parse(content)[4]);
        expect(latest.every((timestamp) => timestamp <= "1970-01-01T01:23:23.000000Z")).toBe(true);
    });

    test("make one record a duplicate of another across files", async () => {
        await run({ files: 40, minRecords: 10, maxRecords: 10, duplicateRatio: 0.3 });
        const { outcomes } = countFolder(outputDir);
        expect(outcomes.length).toBeWithin(80, 160);
        expect(outcomes.some(({ file, reasons }) => !reasons[0]!.includes(file))).toBe(true);
    });
});

describe("never overwrites", () => {
    test("what an earlier run wrote: the index goes on", async () => {
        await run();
        const before = readFolder();
        await run({ seed: 2 });
        expect(readFolder().slice(0, 3)).toEqual(before);
        expect(listNames()).toHaveLength(6);
    });

    test("a file, folder or dangling link of that name", async () => {
        mkdirSync(join(outputDir, `events_${startSeconds}_0.csv`), { recursive: true });
        writeFileSync(join(outputDir, `events_${startSeconds}_1.csv`), "mine");
        await run({ files: 1 });
        expect(readFileSync(join(outputDir, `events_${startSeconds}_1.csv`), "utf8")).toBe("mine");
        expect(existsSync(join(outputDir, `events_${startSeconds}_2.csv`))).toBe(true);
    });

    test("what other generators write at the same time", async () => {
        const modules = join(import.meta.dir, "../../src/shop/generator");
        const script = `
            import { runGenerator } from ${JSON.stringify(join(modules, "run-generator.ts"))};
            const options = JSON.parse(process.argv[1]);
            options.startTime = new Date(options.startTime);
            await runGenerator(options, { signal: new AbortController().signal });`;
        const children = [1, 2, 3].map((seed) =>
            Bun.spawn([process.execPath, "-e", script, JSON.stringify(options({ seed, files: 100 }))]),
        );
        expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
        const { files, total } = countFolder(outputDir);
        expect([files.length, total.duplicate + total.conflict + total.rejected]).toEqual([300, 0]);
        expect(listNames()).toHaveLength(300);
    });
});

describe("abort", () => {
    test("ends the pause at once", async () => {
        const controller = new AbortController();
        const written = await run(
            { sleepSeconds: 3_600, files: 0 },
            { signal: controller.signal, onFile: () => setTimeout(() => controller.abort(), 10) },
        );
        expect(written.files).toBe(1);
        expect(listNames()).toHaveLength(1);
    });

    test("in the middle of a file leaves nothing of it", async () => {
        const controller = new AbortController();
        const running = run({ minRecords: 1e9, maxRecords: 1e9 }, { signal: controller.signal });
        while (!listNames().some((name) => name.startsWith(".") && name.endsWith(".tmp"))) await Bun.sleep(1);
        controller.abort();
        expect(await running).toEqual({ files: 0, records: 0 });
        expect(listNames()).toEqual([]);
    });

    test("before the start writes nothing", async () => {
        expect(await run({}, { signal: AbortSignal.abort() })).toEqual({ files: 0, records: 0 });
        expect(listNames()).toEqual([]);
    });

    test("lets others work while it writes without a pause", async () => {
        const controller = new AbortController();
        const running = run({ files: 0 }, { signal: controller.signal });
        let turns = 0;
        // Were there no turns for others, it would write for ever.
        // Six files, and the one that is being written.
        const timer = setInterval(() => ++turns >= 5 && listNames().length > 6 && controller.abort(), 1);
        const { files } = await running.finally(() => clearInterval(timer));
        expect(files).toBeGreaterThan(5);
    });
});

describe("faults", () => {
    const refused = (changes: Partial<GeneratorOptions>, controls = {}): Promise<SluiceError> =>
        run(changes, controls).then(
            () => Promise.reject(new Error("not refused")),
            (error) => error,
        );

    test("of all options stand in one error, before anything is written", async () => {
        const error = await refused({
            outputDir: "",
            minRecords: 10,
            maxRecords: 5,
            files: 1.5,
            startTime: new Date("2999-01-01"),
        });
        expect([error.code, error.exitCode]).toEqual(["bad_flag_value", 2]);
        expect(error.what.split("\n")).toEqual([
            '--output-dir "" is not a folder that can be written to.',
            "--files 1.5 is not a whole number from 0 to 9007199254740991.",
            "--start-time 2999-01-01T00:00:00.000Z is not an instant between 1970 and now.",
            "--min-records 10 is more than --max-records 5.",
        ]);
        const remedies = error.remedy.split("\n").map((remedy) => remedy.split(" ")[0]);
        expect(remedies).toEqual(["--output-dir:", "--files:", "--start-time:", "--min-records:"]);
        expect(listNames()).toEqual([]);
    });

    test("of the folder while running are one clear error", async () => {
        const error = await refused({ files: 0 }, { onFile: () => rmSync(outputDir, { recursive: true }) });
        expect([error.code, error.exitCode]).toEqual(["generator_write_failed", 1]);
    });
});

test("whatever possible options say is what the folder holds", async () => {
    const ratio = fc.double({ min: 0, max: 0.5, noNaN: true });
    await fc.assert(
        fc.asyncProperty(
            fc.record({
                seed: fc.nat(),
                files: fc.integer({ min: 1, max: 3 }),
                minRecords: fc.nat(40),
                extraRecords: fc.nat(40),
                dirtyRatio: ratio,
                duplicateRatio: ratio,
                lateRatio: fc.double({ min: 0, max: 1, noNaN: true }),
            }),
            async ({ extraRecords, ...drawn }) => {
                const dir = mkdtempSync(join(parent, "any-"));
                const maxRecords = drawn.minRecords + extraRecords;
                const announced: number[] = [];
                const onFile = ({ records }: GeneratedFile) => announced.push(records);
                await run({ ...drawn, maxRecords, outputDir: dir }, { onFile });

                const { files, total } = countFolder(dir);
                // A file of few records may repeat another byte by byte: then it is skipped, and has what that one has.
                const records = new Map(files.map(({ file, read }) => [file, read]));
                const held = files.map(({ file, state, problem }) =>
                    records.get(state === "skipped" ? problem!.slice("same content as ".length) : file),
                );
                expect(held).toEqual(announced);
                expect(announced.every((count) => count >= drawn.minRecords && count <= maxRecords)).toBe(true);
                expect(total.read).toBe(total.inserted + total.duplicate + total.conflict + total.rejected);
                if (drawn.dirtyRatio === 0) expect(total.rejected).toBe(0);
                if (drawn.duplicateRatio === 0) expect(total.duplicate + total.conflict).toBe(0);
                expect(listNames(dir)).toHaveLength(drawn.files);
            },
        ),
        { numRuns: 60 },
    );
});
