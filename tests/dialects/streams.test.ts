/** Files that are read as streams: transcoded and expanded bytes, in bounded memory, staged again when they are lost. */
import { describe, expect, test } from "bun:test";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { chunksToStageAgain } from "../../src/engine/ledger/chunks.ts";
import { loadAll } from "../../src/engine/load/load-files.ts";
import { defaultExpansionLimits, expand } from "../../src/engine/read/dialect/expand.ts";
import { streamInput } from "../../src/engine/read/dialect/stream-input.ts";
import { transcode } from "../../src/engine/read/dialect/transcode.ts";
import { InputChanged, InputFault } from "../../src/engine/read/open-input.ts";
import { discoverAll, openTestIngest, testLoader } from "../ingest/ingest-context.ts";
import { fileOf } from "../ingest/virtual-file.ts";
import { header, makeFolder, useEmptyDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { projectDir } from "../support/test-server.ts";

const MiB = 1024 * 1024;
const database = useEmptyDatabase(import.meta.path);

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function gather(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of stream) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
}

describe("transcoding", () => {
    const anyText = fc.string({ unit: "binary", maxLength: 60 });

    test("UTF-16 comes out as the text it is, however its bytes are cut", async () => {
        await fc.assert(
            fc.asyncProperty(anyText, fc.integer({ min: 1, max: 7 }), fc.boolean(), async (text, pieceBytes, isBig) => {
                const bytes = Buffer.from(text, "utf16le");
                if (isBig) bytes.swap16();
                const out = transcode(inPieces(bytes, pieceBytes), isBig ? "utf-16be" : "utf-16le");
                expect((await gather(out)).toString("utf8")).toBe(text);
            }),
        );
    });

    test("half a pair and an odd byte come out as bytes that are no UTF-8", async () => {
        const out = async (...bytes: number[]) => [
            ...(await gather(transcode(inPieces(Buffer.from(bytes), 1), "utf-16le"))),
        ];
        expect(await out(0x61, 0, 0x3d, 0xd8, 0x62, 0)).toEqual([0x61, 0xed, 0xa0, 0xbd, 0x62]);
        expect(await out(0x61, 0, 0x3d, 0xd8)).toEqual([0x61, 0xed, 0xa0, 0xbd]);
        expect(await out(0x61, 0, 0x62)).toEqual([0x61, 0xff]);
    });

    test("every byte of Latin-1 and of Windows-1252 is what the standard says, the five undefined ones no text", async () => {
        const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
        expect((await gather(transcode(inPieces(all, 100), "latin1"))).toString("utf8")).toBe(
            String.fromCharCode(...all),
        );
        const defined = all.filter((byte) => ![0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte));
        expect((await gather(transcode(inPieces(defined, 100), "windows-1252"))).toString("utf8")).toBe(
            new TextDecoder("windows-1252").decode(defined),
        );
        expect([...(await gather(transcode(inPieces(Uint8Array.of(0x81), 1), "windows-1252")))]).toEqual([0x81]);
    });
});

describe("expanding", () => {
    async function faultOf(stream: AsyncIterable<Uint8Array>): Promise<{ problem: string | null; givenBytes: number }> {
        let givenBytes = 0;
        try {
            for await (const piece of stream) givenBytes += piece.length;
            return { problem: null, givenBytes };
        } catch (error) {
            if (!(error instanceof InputFault)) throw error;
            return { problem: error.failure.problem, givenBytes };
        }
    }

    test("a bomb of 1029:1 is refused by the default limits", async () => {
        const bomb = gzipSync(Buffer.alloc(128 * MiB), { level: 9 });
        expect(128 * MiB).toBeGreaterThan(bomb.length * 1000);
        const { problem, givenBytes } = await faultOf(expand(inPieces(bomb, 4096), "gzip", defaultExpansionLimits));
        expect(problem).toBe("archive_too_large");
        expect(givenBytes).toBeLessThan(16 * MiB);
    });

    test("a zstd bomb is stopped at the cap of bytes", async () => {
        const bomb = zstdCompressSync(Buffer.alloc(256 * MiB));
        const limits = { maxExpandedBytes: 200 * MiB, maxExpansionRatio: 1_000_000 };
        const { problem, givenBytes } = await faultOf(expand(inPieces(bomb, 4096), "zstd", limits));
        expect(problem).toBe("archive_too_large");
        expect(givenBytes).toBeLessThanOrEqual(200 * MiB);
    });

    test("a source that changes while it is read says so, and is no damaged archive", async () => {
        async function* broken(): AsyncGenerator<Uint8Array> {
            yield gzipSync(Buffer.alloc(1000)).subarray(0, 15);
            throw new InputChanged("gone");
        }
        expect(gather(expand(broken(), "gzip", defaultExpansionLimits))).rejects.toBeInstanceOf(InputChanged);
    });
});

test("a stream is opened once for reading forwards and for small steps back, and again for large ones", async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, index) => index % 251));
    let opened = 0;
    const open = () => {
        opened += 1;
        return inPieces(bytes, 1000);
    };
    const file = streamInput(fileOf(bytes), open, bytes.length, 5_000);
    for (const [position, length] of [
        [0, 10],
        [5, 2000],
        [50_000, 10_000],
        [46_000, 3_000],
        [99_999, 1],
    ] as const) {
        expect(await file.read(position, length)).toEqual(bytes.subarray(position, position + length));
    }
    expect(opened).toBe(1);
    expect(await file.read(100, 50)).toEqual(bytes.subarray(100, 150));
    expect(opened).toBe(2);
    expect(file.read(99_999, 2)).rejects.toBeInstanceOf(InputChanged);
});

/** The most memory that a process has had so far; 0 where there is no /proc. */
function peakMiBOf(pid: number): number {
    const file = `/proc/${pid}/status`;
    const status = existsSync(file) ? readFileSync(file, "utf8") : "";
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

test("promise 7: a file of 200 MB in a .gz of a few is loaded in less than 250 MB of memory", async () => {
    const dir = makeFolder();
    const filler = "x".repeat(49_000);
    async function* lines(): AsyncGenerator<string> {
        yield "event_id,event_type,product_id,user_id,event_timestamp,filler\n";
        for (let n = 0; n < 4000; n += 1) {
            const id = `a0000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
            yield `${id},view,p,u,2024-01-02 03:04:05,${n}${filler}\n`;
        }
    }
    await pipeline(Readable.from(lines()), createGzip({ level: 1 }), createWriteStream(join(dir, "a.csv.gz")));
    await writeFile(join(dir, "config.ts"), 'export default { sources: [{ match: "*", newColumns: "ignore" }] };');
    const child = Bun.spawn(
        ["bun", "scripts/ingest.ts", "--trigger", "available-now", "--tail-settle", "0", "--json"].concat([
            "--input",
            dir,
            "--config",
            join(dir, "config.ts"),
            "--database-url",
            database.url,
        ]),
        { cwd: projectDir, stdout: "pipe", stderr: "pipe" },
    );
    // Not resourceUsage(): its maxRSS counts what this process had when it forked.
    let peakMiB = 0;
    const sampling = setInterval(() => {
        peakMiB = Math.max(peakMiB, peakMiBOf(child.pid));
    }, 100);
    const stdout = await new Response(child.stdout).text();
    clearInterval(sampling);
    expect(await child.exited).toBe(0);
    const { records } = JSON.parse(stdout.trim().split("\n").at(-1)!);
    expect(records).toMatchObject({ read: 4000, inserted: 4000, duplicate: 0, conflict: 0, rejected: 0 });
    expect(peakMiB).toBeLessThan(250);
}, 120_000);

describe("promise 5: staged rows of a stream that are lost", () => {
    const text = `${header}\n${Array.from(
        { length: 4000 },
        (_, n) => `a0000000-0000-4000-8000-${String(n).padStart(12, "0")},view,é${n},u,2024-01-02 03:04:05,1,1.50\n`,
    ).join("")}`;

    test.each([
        ["a.csv.gz", gzipSync(text)],
        ["a.csv.zst", zstdCompressSync(text)],
        ["a.csv", Buffer.from(`\ufeff${text}`, "utf16le")],
    ])("are staged again from %s, chunk by chunk", async (name, bytes) => {
        const ingest = await openTestIngest(database, { maxChunkBytes: 50_000 });
        try {
            await writeFile(join(ingest.inputDir, name), bytes);
            const loader = testLoader(ingest.context);
            await discoverAll(loader);
            await loadAll(loader);
            const [loaded] = await database.sql`select count(*)::integer as chunks from ingest.chunks`;
            expect(loaded!.chunks).toBeGreaterThan(4);

            await database.sql`truncate ingest.staging`;
            await database.sql`update ingest.chunks set state = 'pending', load_id = null`;
            expect(await chunksToStageAgain(database.sql, 0, 100)).toHaveLength(loaded!.chunks);
            await loadAll(loader);
            const states = await database.sql`select distinct state from ingest.chunks`;
            expect(states.map(({ state }) => state)).toEqual(["staged"]);

            await database.sql`update ingest.loader_lease set worker_id = null, lease_until = null`;
            const { records } = await ingestFolder(database.target, ingest.inputDir);
            expect(records).toMatchObject({ read: 4000, inserted: 4000, duplicate: 0, conflict: 0, rejected: 0 });
        } finally {
            await ingest.close();
        }
    });

    test("are staged again by one pass over a large file, load by load", async () => {
        const filler = "x".repeat(49_000);
        const lines = Array.from({ length: 500 }, (_, n) => {
            const id = `b0000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
            return `${id},view,p,u,2024-01-02 03:04:05,1,1.50,${filler}\n`;
        });
        const ingest = await openTestIngest(database, { maxChunkBytes: 5 * MiB });
        try {
            await writeFile(join(ingest.inputDir, "a.csv.gz"), gzipSync(`${header},filler\n${lines.join("")}`));
            const loader = testLoader(ingest.context);
            await discoverAll(loader);
            await loadAll(loader);
            await database.sql`truncate ingest.staging`;
            await database.sql`update ingest.chunks set state = 'pending', load_id = null`;

            const { readHeader } = loader;
            let headersRead = 0;
            loader.readHeader = (...given) => {
                headersRead += 1;
                return readHeader(...given);
            };
            const [before] = await database.sql`select count(*)::integer as loads from ingest.loads`;
            await loadAll(loader);
            const [after] = await database.sql`select count(*)::integer as loads from ingest.loads`;
            expect(after!.loads - before!.loads).toBeGreaterThan(1);
            expect(headersRead).toBe(1);
        } finally {
            await ingest.close();
        }
    });
});
