/**
 * Any bytes: no crash, no hang, conservation holds, and every record that an independent reader (tests/support/oracle,
 * written from docs/data_contract.md alone) sees as intact and valid is in events. SLUICE_FUZZ_CASES and SLUICE_SEED set how many
 * files and which; `bun run test:fuzz` takes 10,000.
 */
import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { runChecks } from "../../src/operations/run-checks.ts";
import { createRandom, type Random } from "../../src/shop/generator/random.ts";
import { defaultDialect } from "../../src/streams/dialect.ts";
import { countFiles, listEvents } from "../support/count-records.ts";
import { useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { makeContent, mutate } from "../support/random-files.ts";
import { runsOf } from "../support/sample.ts";

const cases = Number(process.env.SLUICE_FUZZ_CASES || runsOf(300, 150));
const seed = Number(process.env.SLUICE_SEED || Math.floor(Math.random() * 2 ** 31));
const filesAtOnce = 50;
const longestMs = 5_000;
const maxRecordBytes = 2048;

const database = useDatabase(import.meta.path);

interface FuzzFile {
    name: string;
    bytes: Buffer;
    delimiter: string;
    /** The oracle reads the bytes as they are before that. */
    wrapping: "none" | "gzip" | "zstd";
}

/** Up to thirty records in a dialect that is detected, a third of the files untouched. Changes are mostly behind the header. */
function randomFile(random: Random, fileNo: number): FuzzFile {
    const delimiter = random.pick([",", ",", ";", "\t", "|"]);
    const dialect = { ...defaultDialect, delimiter };
    const options = { records: random.between(1, 30), dirty: 0.05, repeated: 0.1, maxRecordBytes, dialect };
    const { bytes, headerBytes } = makeContent(random, { events: [] }, options);
    return {
        name: `f${String(fileNo).padStart(6, "0")}.csv`,
        bytes: random.chance(0.33) ? bytes : mutate(random, bytes, random.chance(0.9) ? headerBytes : 0),
        delimiter,
        wrapping: random.pick(["none", "none", "none", "gzip", "zstd"]),
    };
}

interface FileRow {
    path: string;
    state: string;
    problem: string | null;
}

async function ingestAll(files: FuzzFile[]): Promise<FileRow[]> {
    const dir = await mkdtemp(join(tmpdir(), "sluice-fuzz-"));
    try {
        await database.sql`select ingest.reset()`;
        for (const file of files) await writeFile(join(dir, nameOf(file)), wrap(file));
        const startedAt = performance.now();
        await ingestFolder(database.target, dir, { maxChunkBytes: 700, maxRecordBytes });
        // For all of them together: on a busy machine fifty tiny files take half a second.
        expect(performance.now() - startedAt).toBeLessThan(longestMs * 4);
        return [
            ...(await database.sql<FileRow[]>`select path, state, problem from ingest.files order by path collate "C"`),
        ];
    } finally {
        await rm(dir, { recursive: true });
    }
}

const ends = { none: "", gzip: ".gz", zstd: ".zst" };
const nameOf = ({ name, wrapping }: FuzzFile) => name + ends[wrapping];
const wrap = ({ bytes, wrapping }: FuzzFile) =>
    wrapping === "gzip" ? gzipSync(bytes) : wrapping === "zstd" ? zstdCompressSync(bytes) : bytes;

/** The records of a file that the independent reader sees as intact and valid. Null when it cannot read the header. */
function readLeniently({ name, bytes, delimiter }: FuzzFile) {
    const counted = countFiles([{ name, bytes }], { delimiter, maxRecordBytes });
    return counted.files[0]!.state === "merged" ? { counted, events: [...listEvents(counted)] } : null;
}

test(`${cases} mutated files, SLUICE_SEED=${seed}`, async () => {
    const random = createRandom(seed);
    let seenIntact = 0;
    let failed = 0;
    for (let done = 0; done < cases; done += filesAtOnce) {
        const count = Math.min(filesAtOnce, cases - done);
        const files = Array.from({ length: count }, (_, index) => randomFile(random, done + index));
        const rows = await ingestAll(files);
        const where = `seed ${seed}, files from ${done}`;

        expect({ where, broken: (await runChecks(database.sql)).filter(({ passed }) => !passed) }).toEqual({
            where,
            broken: [],
        });
        expect({ where, paths: rows.map(({ path }) => path) }).toEqual({ where, paths: files.map(nameOf).sort() });
        const stored = new Set(
            (await database.sql<{ id: string }[]>`select event_id::text as id from events`).map(({ id }) => id),
        );
        for (const [index, file] of files.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).entries()) {
            const row = rows[index]!;
            const lenient = readLeniently(file);
            expect({ where, row, isDone: ["merged", "failed", "skipped"].includes(row.state) }).toMatchObject({
                isDone: true,
            });
            if (row.state === "failed") failed += 1;
            // A header that reads two ways is refused, whatever a reader that knows the delimiter makes of it.
            if (lenient === null || row.problem === "dialect_ambiguous") continue;
            const missing = lenient.events.filter(({ eventId }) => !stored.has(eventId));
            seenIntact += lenient.events.length;
            expect({ where, row, missing }).toEqual({ where, row, missing: [] });
        }
    }
    expect(seenIntact).toBeGreaterThan(cases);
    expect(failed).toBeLessThan(cases / 4);
}, 600_000);
