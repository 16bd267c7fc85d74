/** Files that change while they are watched: nothing is lost silently, nothing is taken twice (promises 2, 3 and 8). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
    appendFileSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    renameSync,
    rmSync,
    truncateSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../src/shop/generator/random.ts";
import { countFiles } from "../support/count-records.ts";
import { headerLine, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { chooseSeed, generateFolder, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { type IngestProcess, ingestOnce, startIngest } from "../support/ingest-process.ts";
import { holdSlices } from "../support/own-server.ts";
import { expectSound, readCounts, readFileStates } from "../support/read-tables.ts";
import { runsOf } from "../support/sample.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const seed = chooseSeed("files in motion");
const record = (n: number, price = "0.00") => `${idOf(n)},purchase,p1,u1,2024-05-01 10:00:00,1,${price}\n`;
const records = (from: number, to: number, price?: string) =>
    Array.from({ length: to - from + 1 }, (_, index) => record(from + index, price)).join("");

const database = useEmptyDatabase(import.meta.path);
const folder = useFolder("input");
const inputDir = join(folder, "input");

const at = (name: string) => join(inputDir, name);
const put = (name: string, content: string) => writeFileSync(at(name), content);

async function watch(flags: string[] = []): Promise<IngestProcess> {
    const child = startIngest(database.url, inputDir, ["--trigger", "50ms", "--tail-settle", "60s", ...flags]);
    await waitUntil("the ingest runs", async () => (await database.sql`select from ingest.workers`).length > 0);
    return child;
}

/** Stops it; it was well until then, a last run ends well, and nothing is left behind. */
async function stopSoundly(child: IngestProcess): Promise<void> {
    const { exitCode, stderr } = await child.stop();
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 143 });
    expect(await ingestOnce(database.url, inputDir)).toMatchObject({ exitCode: 0 });
    await expectSound(database.sql);
}

/** The counts of all batches, once `isReached` says that they are complete. */
async function countsWhen(what: string, isReached: (counts: Awaited<ReturnType<typeof readCounts>>) => boolean) {
    return await waitUntil(what, async () => {
        const counts = await readCounts(database.sql);
        return isReached(counts) && counts;
    });
}

describe("a file that grows", () => {
    const random = createRandom(seed);

    async function generate(records: number, dirty = 0): Promise<Buffer> {
        const generated = join(folder, "generated");
        await generateFolder(generated, { files: 1, seed, minRecords: records, maxRecords: records, dirty });
        return readFileSync(join(generated, readdirSync(generated)[0]!));
    }
    async function grow(bytes: Buffer, mostBytes: number, mostPauseMs: number): Promise<void> {
        for (let from = 0; from < bytes.length; ) {
            const to = from + random.between(1, mostBytes);
            appendFileSync(at("growing.csv"), bytes.subarray(from, to));
            from = to;
            if (random.chance(0.7)) await Bun.sleep(random.between(0, mostPauseMs));
        }
    }

    test.each([["4KiB"], ["16MiB"]])(
        "in pieces of any size is taken record by record, once (%s a chunk)",
        async (chunk) => {
            const bytes = await generate(400);
            const child = await watch(["--max-chunk-bytes", chunk]);
            await grow(bytes, 2_000, 60);
            const counts = await countsWhen("all is read", ({ read }) => read >= 400);
            expect(counts).toMatchObject({ read: 400, inserted: 400, duplicate: 0, conflict: 0, rejected: 0 });
            await stopSoundly(child);
            expect(await readCounts(database.sql)).toEqual(counts);
        },
    );

    test("in dirty pieces, with tails taken early, still loses no record", async () => {
        const bytes = await generate(300, 0.2);
        const child = await watch(["--max-chunk-bytes", "4KiB", "--tail-settle", "1ms"]);
        await grow(bytes, 3_000, 150);
        await waitUntil("all is merged", async () => {
            const [file] = await database.sql`select state, loaded_bytes as "loadedBytes" from ingest.files`;
            return file?.state === "merged" && file.loadedBytes === bytes.length;
        });
        await stopSoundly(child);
        const oracle = countFiles([{ name: "growing.csv", bytes }]);
        const stored = await database.sql<{ eventId: string }[]>`select event_id as "eventId" from public.events`;
        const storedIds = new Set(stored.map(({ eventId }) => eventId));
        expect([...oracle.events.keys()].filter((id) => !storedIds.has(id))).toEqual([]);
        const { read, inserted, duplicate, conflict, rejected } = await readCounts(database.sql);
        expect(read).toBe(inserted + duplicate + conflict + rejected);
    });

    test("while no ingest runs is continued from its last record", async () => {
        put("growing.csv", headerLine + records(1, 50));
        await ingestOnce(database.url, inputDir);
        appendFileSync(at("growing.csv"), records(51, 70));
        const { summary } = await ingestOnce(database.url, inputDir);
        expect(summary!.records).toMatchObject({ read: 20, inserted: 20, duplicate: 0, conflict: 0, rejected: 0 });
        await expectSound(database.sql);
    });
});

describe("a file that is changed where it was read", () => {
    test("by truncation is read anew, as another version", async () => {
        put("a.csv", headerLine + records(1, 100));
        const child = await watch();
        await countsWhen("it is read", ({ read }) => read === 100);
        truncateSync(at("a.csv"), (headerLine + records(1, 40)).length);
        const counts = await countsWhen("it is read again", ({ read }) => read > 100);
        expect(counts).toMatchObject({ read: 140, inserted: 100, duplicate: 40, conflict: 0, rejected: 0 });
        await stopSoundly(child);
        expect(child.stderr()).toContain("a.csv is read again as a new version");
    });

    test("in place and of the same size shows its changed records as conflicts", async () => {
        put("a.csv", headerLine + records(1, 30, "1.00"));
        const child = await watch();
        await countsWhen("it is read", ({ read }) => read === 30);
        put("a.csv", headerLine + records(1, 29, "1.00") + record(30, "2.00"));
        const counts = await countsWhen("it is read again", ({ read }) => read > 30);
        expect(counts).toMatchObject({ read: 60, inserted: 30, duplicate: 29, conflict: 1, rejected: 0 });
        await stopSoundly(child);
        expect(await readCounts(database.sql)).toEqual(counts);
    });

    test("by another file under its name is read whole, longer, shorter or equal in size", async () => {
        put("a.csv", headerLine + records(1, 10));
        const child = await watch();
        let read = 10;
        await countsWhen("it is read", (counts) => counts.read === read);
        for (const [from, to] of [
            [101, 110],
            [201, 230],
            [301, 305],
        ] as const) {
            writeFileSync(join(folder, "new"), headerLine + records(from, to));
            renameSync(join(folder, "new"), at("a.csv"));
            read += to - from + 1;
            await countsWhen("the new one is read", (counts) => counts.read >= read);
        }
        expect(await readCounts(database.sql)).toEqual({
            read: 55,
            inserted: 55,
            duplicate: 0,
            conflict: 0,
            rejected: 0,
        });
        await stopSoundly(child);
    });

    test.each([
        ["in memory at once", 5_000],
        ["in many reads", 40_000],
    ])("again and again, while it is read %s, costs the run nothing but work", async (_, size) => {
        const child = await watch(["--trigger", "continuous"]);
        const writer = Bun.spawn([
            ...[process.execPath, join(import.meta.dir, "../support/restless-writer.ts")],
            ...[at("a.csv"), String(size), String(isLongRun ? 2_000 : runsOf(300, 100))],
        ]);
        expect(await writer.exited).toBe(0);
        await waitUntil("all of the last content is there", async () => {
            const [row] = await database.sql`select count(*) as events from public.events`;
            return row!.events === size;
        });
        await stopSoundly(child);
        expect(await readFileStates(database.sql)).toEqual({ "a.csv": "merged" });
    });
});

describe("a file that is renamed", () => {
    test("after it was merged is skipped as a copy", async () => {
        put("a.csv", headerLine + records(1, 10));
        const child = await watch();
        await countsWhen("it is read", ({ read }) => read === 10);
        await waitUntil("it is merged", async () => (await readFileStates(database.sql))["a.csv"] === "merged");
        renameSync(at("a.csv"), at("b.csv"));
        await waitUntil("it is skipped", async () => (await readFileStates(database.sql))["b.csv"] === "skipped copy");
        await stopSoundly(child);
        expect(await readCounts(database.sql)).toMatchObject({ read: 10 });
    });

    test("away and back, with a look at the folder in between, is taken all the same", async () => {
        const rounds = runsOf(20, 8);
        const child = await watch();
        for (let round = 1; round <= rounds; round += 1) {
            const name = `file-${round}.csv`;
            writeFileSync(join(folder, name), headerLine + record(round));
            for (let turn = 0; turn < 3; turn += 1) {
                renameSync(join(folder, name), at(name));
                await Bun.sleep(turn * 3);
                renameSync(at(name), join(folder, name));
                await Bun.sleep(20);
            }
            renameSync(join(folder, name), at(name));
        }
        await waitUntil("all are there", async () => (await readCounts(database.sql)).inserted === rounds);
        await stopSoundly(child);
    });
});

describe("a file that is deleted", () => {
    test("between staging and merge is merged: its rows are staged", async () => {
        put("a.csv", headerLine + records(1, 10));
        const slices = await holdSlices(database.target);
        const child = await watch();
        await waitUntil("it is staged", async () => (await database.sql`select from ingest.chunks`).length > 0);
        rmSync(at("a.csv"));
        await Bun.sleep(200);
        await slices.end({ timeout: 1 });
        const counts = await countsWhen("it is merged", ({ read }) => read === 10);
        expect(counts.inserted).toBe(10);
        await stopSoundly(child);
        expect(await readFileStates(database.sql)).toEqual({ "a.csv": "merged" });
    });

    test("and made again with other content is another version", async () => {
        put("a.csv", headerLine + records(1, 10));
        const child = await watch();
        await countsWhen("it is read", ({ read }) => read === 10);
        rmSync(at("a.csv"));
        await Bun.sleep(150);
        put("a.csv", headerLine + records(11, 15));
        await countsWhen("the new one is read", ({ read }) => read === 15);
        await stopSoundly(child);
    });
});

test("an input folder that is removed and made again is watched again", async () => {
    put("a.csv", headerLine + records(1, 10));
    const child = await watch();
    await countsWhen("the first file is read", ({ read }) => read === 10);
    rmSync(inputDir, { recursive: true });
    await Bun.sleep(300);
    mkdirSync(inputDir);
    put("b.csv", headerLine + records(11, 20));
    await countsWhen("the file of the new folder is read", ({ read }) => read === 20);
    appendFileSync(at("b.csv"), records(21, 25));
    await countsWhen("its growth is seen", ({ read }) => read === 25);
    await stopSoundly(child);
});
