/**
 * Two ways in, one result: random files, loaded verbatim and parsed into two databases, must come to the
 * same events, rejects and counts, row by row; and to what the oracle says of them, or what they were made to be.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type LedgerFile, registerFiles } from "../../src/engine/ledger/files.ts";
import { loadChunks, tailOf } from "../../src/engine/load/load-chunks.ts";
import { createLoader, type Loader } from "../../src/engine/load/loader.ts";
import { nextPart, prepareFile } from "../../src/engine/load/prepare-file.ts";
import { allSlices } from "../../src/engine/merge/batch-size.ts";
import { callMerge } from "../../src/engine/merge/merge-batch.ts";
import { type LoadPart, NeedsParsing } from "../../src/engine/stage/stage-parts.ts";
import type { Way } from "../../src/engine/stage/stage-records.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { createRandom, type Random } from "../../src/shop/generator/random.ts";
import { type Dialect, defaultDialect } from "../../src/streams/dialect.ts";
import type { SourceConfig } from "../../src/streams/source-config.ts";
import { columnNames } from "../../src/streams/stream.ts";
import { type Outcome, readOutcome } from "../cases/read-outcome.ts";
import { countFiles, type FolderCounts } from "../support/count-records.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { makeContent, mutate } from "../support/random-files.ts";
import type { RecordPool } from "../support/random-records.ts";
import { expectOracle as expectTables } from "../support/read-tables.ts";
import { runsOf } from "../support/sample.ts";
import { openTestIngest, type TestIngest } from "./ingest-context.ts";

/** Folders of up to `mostFiles`. More find more: 2 000 take three minutes on an idle machine. */
const runs = runsOf(60, 15);
const mostFiles = 6;

interface Loaded {
    database: TestDatabase;
    ingest: TestIngest;
}

let verbatim: Loaded;
let parsed: Loaded;

async function open(): Promise<Loaded> {
    const database = await createTestDatabase(import.meta.path);
    return { database, ingest: await openTestIngest(database) };
}
beforeAll(async () => {
    verbatim = await open();
    parsed = await open();
});
afterAll(async () => {
    for (const { database, ingest } of [verbatim, parsed]) {
        await ingest.close();
        await database.drop();
    }
});

interface Folder {
    files: Buffer[];
    maxChunkBytes: number;
    maxRecordBytes: number;
    /** Declared; without one, the default is found. */
    dialect?: Dialect;
}

type ChunkCounts = { path: string; firstByte: number; endByte: number; records: number; contentHash: string } & Record<
    "read" | "inserted" | "duplicate" | "conflict" | "rejected",
    number
>;

interface Result extends Outcome {
    chunks: ChunkCounts[];
    /** How many loads could not go the way that was asked for, because only parsing carries what they hold. */
    detours: number;
}

/** Loads the files one after the other by `way`, and merges all in one batch. */
async function load({ ingest, database }: Loaded, folder: Folder, way: Way): Promise<Result> {
    const { sql } = database;
    await sql`select ingest.reset()`;
    const config = {
        ...ingest.context.config,
        maxChunkBytes: folder.maxChunkBytes,
        maxRecordBytes: folder.maxRecordBytes,
        sources: folder.dialect ? [sourceOf(folder.dialect)] : [],
    };
    const loader = createLoader({ ...ingest.context, config });
    const paths = folder.files.map((_, index) => `${index}.csv`);
    for (const [index, path] of paths.entries()) writeFileSync(join(ingest.inputDir, path), folder.files[index]!);
    const seen = paths.map((path) => ({ path, sizeBytes: 0, mtimeNs: "0", inode: "0" }));
    let detours = 0;
    for (const ledgerFile of await registerFiles(sql, 0, seen)) detours += await loadFile(loader, ledgerFile, way);
    await callMerge(loader, randomUUID(), { slices: allSlices, maxRecords: 1e9, maxChunks: 1e9 });
    const chunks = await sql<ChunkCounts[]>`
        select
            files.path, chunks.first_byte as "firstByte", chunks.end_byte as "endByte", chunks.records,
            chunks.content_hash as "contentHash", chunk_merges.read, chunk_merges.inserted, chunk_merges.duplicate,
            chunk_merges.conflict, chunk_merges.rejected
        from ingest.chunks
        inner join ingest.files on files.file_id = chunks.file_id
        inner join ingest.chunk_merges on chunk_merges.chunk_id = chunks.chunk_id
        order by chunks.chunk_id`;
    return { ...(await readOutcome(sql)), chunks: [...chunks], detours };
}

function sourceOf({ delimiter, quote, escape: escapeMark, comment, lineEnd, ...loose }: Dialect): SourceConfig {
    return {
        ...{ match: "*", delimiter, quote: quote!, escape: escapeMark!, comment: comment ?? undefined, lineEnd },
        quotes: loose.hasLenientQuotes ? "lenient" : undefined,
        trimQuoted: loose.trimsQuoted,
    };
}

async function loadFile(loader: Loader, ledgerFile: LedgerFile, way: Way): Promise<number> {
    const prepared = await prepareFile(loader, ledgerFile, () => true);
    if (prepared.kind !== "load") throw new Error(`The file is not to be loaded: ${prepared.kind}`);
    let { part } = prepared;
    const { file, shape } = part;
    let detours = 0;
    while (true) {
        const { outcome, hasDetour } = await loadPart(loader, part, way);
        if (hasDetour) detours += 1;
        if (outcome.endByte >= file.seen.sizeBytes) break;
        const state = {
            ...ledgerFile,
            loadedBytes: outcome.endByte,
            loadedRecords: part.firstRecordNo + outcome.records - 1,
            loadedLines: part.firstLineNo + outcome.lines - 1,
            ...tailOf(part, outcome),
        };
        part = nextPart(loader, state, file, shape, true);
    }
    await file.close();
    return detours;
}

async function loadPart(loader: Loader, part: LoadPart, way: Way) {
    if (way === "verbatim" && !part.shape.needsParsing) {
        try {
            const [loaded] = await loadChunks(loader, [part], "verbatim");
            return { outcome: loaded!.outcome, hasDetour: false };
        } catch (error) {
            // The one reason to give way. That COPY itself refuses a record would be a fault of the scanner's.
            if (!(error instanceof NeedsParsing)) throw error;
        }
    }
    const [loaded] = await loadChunks(loader, [part], "parsed");
    return { outcome: loaded!.outcome, hasDetour: way === "verbatim" };
}

/** Row by row; and each reject for the columns that the oracle names, in words of its own. */
async function expectCounted(loaded: Loaded, result: Outcome, expected: FolderCounts): Promise<void> {
    await expectTables(loaded.database.sql, expected);
    expect(result.files.map(({ path, state }) => [path, state])).toEqual(
        expected.files.map(({ file, state }) => [file, state]),
    );
    const outcomes = expected.outcomes.filter(({ kind }) => kind !== "duplicate");
    for (const [index, { reasons, kind, record }] of result.rejects.entries()) {
        if (kind !== "rejected" || record === null) continue;
        const columns = reasons.map((reason) => columnNames(eventsStream).find((column) => reason.startsWith(column)));
        expect(columns).toEqual(outcomes[index]!.reasons.map((reason) => reason.split(":")[0]) as typeof columns);
    }
}

/** Files of the same bytes would be skipped as copies; what is loaded here goes in without that question. */
function distinct(files: Buffer[]): Buffer[] {
    return [...new Map(files.map((file) => [file.toString("latin1"), file])).values()];
}

async function expectTheSame(folder: Folder): Promise<Result> {
    // Both to their end, or a failed one would leave the other in the way of the next run.
    const [first, second] = await Promise.allSettled([
        load(verbatim, folder, "verbatim"),
        load(parsed, folder, "parsed"),
    ]);
    if (first.status === "rejected") throw first.reason;
    if (second.status === "rejected") throw second.reason;
    const [byVerbatim, byParsed] = [first.value, second.value];
    expect({ ...byVerbatim, detours: 0 }).toEqual(byParsed);
    return byVerbatim;
}

async function expectOracle(folder: Folder): Promise<Result> {
    const result = await expectTheSame(folder);
    const named = folder.files.map((bytes, index) => ({ name: `${index}.csv`, bytes }));
    await expectCounted(parsed, result, countFiles(named, { maxRecordBytes: folder.maxRecordBytes }));
    return result;
}

const records = { dirty: 0.2, repeated: 0.4 };

/** One in four untouched. */
function randomFile(random: Random, pool: RecordPool, maxRecordBytes: number): Buffer {
    const { bytes, headerBytes } = makeContent(random, pool, { ...records, maxRecordBytes, records: random.below(15) });
    return random.chance(0.25) ? bytes : mutate(random, bytes, headerBytes);
}

test("promises 1 and 10: random files come to the same events, rejects and counts by either way, those of the oracle", async () => {
    const folders = fc.record({
        seed: fc.nat(),
        files: fc.integer({ min: 1, max: mostFiles }),
        maxChunkBytes: fc.oneof(fc.constant(1_000_000), fc.integer({ min: 1, max: 600 })),
        // The oracle holds headers to the maximum too: none is as long as that.
        maxRecordBytes: fc.oneof(fc.constant(10_000), fc.integer({ min: 200, max: 400 })),
    });
    const tally = { records: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0, detours: 0, loads: 0 };
    await fc.assert(
        fc.asyncProperty(folders, async ({ seed, files: count, ...limits }) => {
            const random = createRandom(seed);
            const pool: RecordPool = { events: [] };
            const files = Array.from({ length: count }, () => randomFile(random, pool, limits.maxRecordBytes));
            const { counts, chunks, detours } = await expectOracle({ files: distinct(files), ...limits });
            tally.records += counts.read;
            tally.inserted += counts.inserted;
            tally.duplicate += counts.duplicate;
            tally.conflict += counts.conflict;
            tally.rejected += counts.rejected;
            tally.detours += detours;
            tally.loads += chunks.length;
        }),
        { numRuns: runs },
    );
    // The files have some of everything, or the property says little.
    for (const count of [tally.inserted, tally.duplicate, tally.conflict, tally.rejected]) {
        expect(count).toBeGreaterThan(tally.records / 200);
    }
    expect(tally.loads - tally.detours).toBeGreaterThan(tally.loads / 2);
}, 600_000);

const quotings = [
    ['"', '"'],
    ["'", "'"],
    ['"', "\\"],
    ["'", '"'],
] as const;
const loosened = [
    { hasLenientQuotes: true },
    { trimsQuoted: true },
    { hasLenientQuotes: true, trimsQuoted: true },
] as const;
const dialects: Dialect[] = quotings.flatMap(([quote, escapeMark]) => {
    const basis = { ...defaultDialect, quote, escape: escapeMark };
    return [",", ";", "\t", "|", "~", ":"].flatMap((delimiter) => [
        { ...basis, delimiter, comment: "#" },
        { ...basis, delimiter, comment: "--", lineEnd: "any" as const },
        ...(delimiter === "," || delimiter === "\t"
            ? loosened.map((loose) => ({ ...basis, delimiter, ...loose }))
            : []),
    ]);
});

test.each(dialects.map((dialect, index) => [JSON.stringify(dialect), dialect, index] as const))(
    "files in the dialect %s come to what they were made to be, and changed ones to the same by either way",
    async (_name, dialect, index) => {
        const seed = Number(process.env.SLUICE_SEED ?? 20_240_101) + index;
        const random = createRandom(seed);
        const limits = { maxChunkBytes: 1_000_000, maxRecordBytes: 1024 };
        const options = { ...records, maxRecordBytes: limits.maxRecordBytes, records: 60, dialect };
        const [made, ...others] = Array.from({ length: 3 }, () => makeContent(random, { events: [] }, options));

        const { counts, detours } = await expectTheSame({ ...limits, dialect, files: [made!.bytes] });
        const rejected = made!.records.filter(({ fate }) => fate.kind === "rejected").length;
        expect({ seed, read: counts.read, rejected: counts.rejected }).toEqual({ seed, read: 60, rejected });
        expect(detours).toBeLessThanOrEqual(1);

        const files = others.map(({ bytes, headerBytes }) => mutate(random, bytes, headerBytes));
        expect((await expectTheSame({ ...limits, dialect, files })).counts.read).toBeGreaterThan(0);
    },
);

describe("by hand", () => {
    const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price,extra";
    const id = (no: number) => `018f0000-0000-4000-8000-${String(no).padStart(12, "0")}`;
    const row = (no: number, product: string, extra: string) =>
        `${id(no)},view,${product},u,2024-05-01 10:00:00,,,${extra}`;
    const large = { maxChunkBytes: 1_000_000, maxRecordBytes: 1_000_000 };

    test.each([
        ["a line that ends COPY's data", [row(1, "p", ""), "\\.", row(2, "\\.", "\\."), '"\\."', row(3, "p", "\\.")]],
        ["what text format escapes", [row(1, "a\\tb", "\\N"), row(2, "\\", "a\tb"), row(3, "\\\\", "\\x41")]],
        ["what CSV format calls null", [row(1, '""', '""'), row(2, "p", ""), `${id(3)},,,,,,,`, row(4, "p", '" "')]],
        ["line ends within quotes", [row(1, '"a\nb"', '"\r\n"'), row(2, '"a\rb"', '"\n\n"'), row(3, '"\n"', "x")]],
        [
            "quotes",
            [row(1, '""""', '"a""b"'), row(2, '"a"b', "x"), row(3, 'a"b', "x"), row(4, '"open', "x"), row(5, "p", "x")],
        ],
        [
            "white space",
            [row(1, " p ", "\tx\v"), row(2, '" p "', '" "'), `  ${row(3, "p", "x")}  `, row(4, "p\u00a0", "x")],
        ],
        ["control characters", [row(1, "\u0001", "\u001f"), row(2, "a\u007fb", "\u0085"), row(3, "p", "\b")]],
    ])("%s", async (_what, lines) => {
        for (const lineEnd of ["\n", "\r\n"]) {
            const { counts, detours } = await expectOracle({
                ...large,
                files: [Buffer.from([header, ...lines, ""].join(lineEnd))],
            });
            expect(counts.read).toBeGreaterThanOrEqual(3);
            expect(detours).toBe(0);
        }
    });

    test.each([
        ["a record", [row(2, '"a\n\\.\nb"', "x"), row(3, "p", ""), ""]],
        ["a tail", [row(3, "p", ""), row(2, '"a\n\\.\nb"', "x")]],
    ])("a line of \\. within quotes in %s is parsed, for PostgreSQL 15 would stop there", async (_where, others) => {
        const lines = [header, row(1, "p", ""), ...others];
        const { counts, detours, events } = await expectOracle({ ...large, files: [Buffer.from(lines.join("\n"))] });
        expect([counts.inserted, detours]).toEqual([3, 1]);
        expect(events[1]!.product_id).toBe("a\n\\.\nb");
    });

    test("several chunks of many files share one load", async () => {
        const { ingest, database } = verbatim;
        const loader = createLoader(ingest.context);
        for (const way of ["verbatim", "parsed"] as const) {
            await database.sql`select ingest.reset()`;
            const files = Array.from({ length: 5 }, (_, no) =>
                Buffer.from([header, row(no, "p", "x"), row(99, "p", String(no)), "short", ""].join("\n")),
            );
            for (const [no, bytes] of files.entries()) writeFileSync(join(ingest.inputDir, `${no}.csv`), bytes);
            const seen = files.map((_, no) => ({ path: `${no}.csv`, sizeBytes: 0, mtimeNs: "0", inode: "0" }));
            const parts: LoadPart[] = [];
            for (const ledgerFile of await registerFiles(database.sql, 0, seen)) {
                const prepared = await prepareFile(loader, ledgerFile, () => true);
                if (prepared.kind === "load") parts.push(prepared.part);
            }
            await loadChunks(loader, parts, way);
            const batch = await callMerge(loader, randomUUID(), {
                slices: allSlices,
                maxRecords: 1e9,
                maxChunks: 1e9,
            });
            expect(batch).toMatchObject({ chunks: 5, read: 15, inserted: 6, duplicate: 0, conflict: 4, rejected: 5 });
            const loads = await database.sql`select state, way, records from ingest.loads`;
            expect([...loads]).toEqual([{ state: "staged", way, records: 15 }]);
        }
    });
});
