/**
 * Files whose bytes change behind what was read of them: a longer version copied over one that is then taken for one that
 * grew, a change that puts size and time back. What is corrected so shows as a conflict, never not at all: promise 3.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadAll } from "../../src/engine/load/load-files.ts";
import { discoverAll, openTestIngest, testLoader } from "../ingest/ingest-context.ts";
import { headerLine, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ingestOnce, startIngest } from "../support/ingest-process.ts";
import { expectSound } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

setDefaultTimeout(testTimeoutMs);

const database = useEmptyDatabase(import.meta.path);
const inputDir = useFolder();
const watch = () => startIngest(database.url, inputDir, flags);

/** More than what is compared at once (a megabyte), in eight chunks or so. */
const records = 14_000;
const corrected = 9_999;
const flags = ["--max-chunk-bytes", "128KiB", "--tail-settle", "1s"];

/** Prices are 10.00; of the corrected record 20.00. */
function content(count: number, { isCorrected = false, from = 0 } = {}): string {
    const lines = Array.from({ length: count }, (_, index) => {
        const no = from + index;
        const price = isCorrected && no === corrected ? "20.00" : "10.00";
        return `${String(no).padStart(8, "0")}-0000-4000-8000-000000000000,view,p1,u1,2024-01-02 03:04:05,1,${price}\n`;
    });
    return headerLine + lines.join("");
}

const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);
const plain = (text: string) => Buffer.from(text);
/** Stored, not deflated: texts of one length make files of one length. */
const gzip = (text: string) => gzipSync(text, { level: 0 });
const path = (name: string) => join(inputDir, name);
/** Over the old one, as `cp` does it: the inode stays. */
const put = (name: string, bytes: string | Uint8Array) => writeFileSync(path(name), bytes);

/** `touch` keeps the nanoseconds. */
function putUnnoticed(name: string, bytes: string | Uint8Array): void {
    const { size, mtimeNs } = statSync(path(name), { bigint: true });
    const reference = path("_times");
    execFileSync("touch", ["-r", path(name), reference]);
    put(name, bytes);
    execFileSync("touch", ["-r", reference, path(name)]);
    const now = statSync(path(name), { bigint: true });
    expect([now.size, now.mtimeNs]).toEqual([size, mtimeNs]);
}

async function readFiles() {
    return await database.sql<
        { path: string; version: number; state: string; problem: string | null; updated: string }[]
    >`
        select path, version, state, problem, updated_at::text as updated from ingest.files order by path, version`;
}
async function conflicts(): Promise<{ price: string }[]> {
    return [
        ...(await database.sql<{ price: string }[]>`
            select record ->> 'price' as price from ingest.rejects where kind = 'conflict'`),
    ];
}
const isCorrectionSeen = () =>
    waitUntil("the correction is seen", async () => {
        const seen = await conflicts();
        return seen.length === 1 && seen[0]!.price === "20.00";
    });
const areIn = (events: number) =>
    waitUntil(`${events} are in`, async () => {
        const [row] = await database.sql<{ events: number }[]>`select count(*) as events from public.events`;
        return row!.events === events;
    });
/** The ctime has moved on by then, whatever the file system's clock ticks in. */
const tick = () => Bun.sleep(50);

describe("a watching ingest sees the correction in", () => {
    test("a longer version that was copied over the file", async () => {
        put("a.csv", content(records));
        watch();
        await areIn(records);
        put("a.csv", content(records + 100, { isCorrected: true }));
        await isCorrectionSeen();
        await areIn(records + 100);
        await waitUntil("it is merged", async () => (await readFiles())[1]?.state === "merged");
        expect(await readFiles()).toMatchObject([
            { version: 1, state: "replaced", problem: "rewritten" },
            { version: 2, state: "merged" },
        ]);
    });

    test.each([
        ["a.csv", plain],
        ["a.csv.gz", gzip],
        ["utf-16.csv", utf16],
    ])("%s, whose size and time were put back", async (name, encode) => {
        put(name, encode(content(records)));
        watch();
        await areIn(records);
        await tick();
        putUnnoticed(name, encode(content(records, { isCorrected: true })));
        await isCorrectionSeen();
    });

    test("a copy that was skipped and is one no more", async () => {
        put("a.csv", content(records));
        put("b.csv", content(records));
        watch();
        await waitUntil("it is skipped", async () => (await readFiles())[1]?.state === "skipped");
        await tick();
        putUnnoticed("b.csv", content(records, { isCorrected: true }));
        await isCorrectionSeen();
    });
});

test("a chmod and a link are compared, and leave no trace", async () => {
    put("a.csv", content(records));
    watch();
    await waitUntil("it is merged", async () => (await readFiles())[0]?.state === "merged");
    const before = await readFiles();
    await tick();
    chmodSync(path("a.csv"), 0o600);
    linkSync(path("a.csv"), path("_a"));
    const { ctimeNs } = statSync(path("a.csv"), { bigint: true });
    await waitUntil("it is compared", async () => {
        const [row] = await database.sql`select compared_ctime_ns::text as ctime from ingest.files`;
        return row!.ctime === String(ctimeNs);
    });
    expect(await readFiles()).toEqual(before);
    expect(await conflicts()).toEqual([]);
});

describe("an available-now run", () => {
    const now = () => ingestOnce(database.url, inputDir, [...flags, "--tail-settle", "0s"]);

    test("has compared a file that grew before it ends", async () => {
        put("a.csv", content(records));
        expect((await now()).exitCode).toBe(0);
        await tick();
        put("a.csv", content(records + 100, { isCorrected: true }));
        await now();
        expect(await conflicts()).toEqual([{ price: "20.00" }]);
        await expectSound(database.sql);
        expect((await now()).summary).toMatchObject({ batches: 0 });
    });

    test("with --after-merge delete does not remove a file that changed unnoticed before what changed is in", async () => {
        put("a.csv", content(records));
        await now();
        await tick();
        putUnnoticed("a.csv", content(records, { isCorrected: true }));
        await ingestOnce(database.url, inputDir, [...flags, "--tail-settle", "0s", "--after-merge", "delete"]);
        expect(await conflicts()).toEqual([{ price: "20.00" }]);
        expect(() => readFileSync(path("a.csv"))).toThrow();
    });

    test("finishes what a run that was killed had not compared yet", async () => {
        const killed = await openTestIngest(database, { maxChunkBytes: 128 * 1024 });
        const context = { ...killed.context, config: { ...killed.context.config, inputDir } };
        for (const isCorrected of [false, true]) {
            put("a.csv", content(records + (isCorrected ? 100 : 0), { isCorrected }));
            await tick();
            const loader = testLoader(context);
            await discoverAll(loader);
            await loadAll(loader);
        }
        await database.sql`update ingest.loader_lease set worker_id = null, lease_until = null`;
        expect(await readFiles()).toMatchObject([{ version: 1, state: "loaded" }]);
        await now();
        expect(await conflicts()).toEqual([{ price: "20.00" }]);
        await killed.close();
    });
});
