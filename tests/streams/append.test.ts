/** The mode `append`: every record becomes a row, and none does twice. */
import { beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { forgetFile } from "../../src/operations/forget-file.ts";
import { replayStreams } from "../../src/operations/replay-streams.ts";
import { planPrune, runPrune } from "../../src/operations/run-prune.ts";
import { readStreams } from "../../src/operations/streams/read-streams.ts";
import { type TriedFile, tryFiles } from "../../src/operations/try/try-files.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { ageLedger } from "../support/age-ledger.ts";
import { type AppendMode, appendTo, makeReadings, readReadings, readStanding, readSums } from "../support/append.ts";
import { useEmptyDatabase, useFolder, useOpened } from "../support/fixture.ts";
import { type IngestOverrides, ingestConfig, ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { readFiles } from "../support/snapshots.ts";
import { waitUntil } from "../support/wait-until.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const folder = useFolder();
const path = (name: string) => join(folder, name);
const header = "meter,word\n";

/** One connection, as the command has. */
const pruning = useOpened(
    async () => connect(database.target, { applicationName: "test prune", max: 1 }),
    (session) => session.end({ timeout: 1 }),
);

beforeEach(() => makeReadings(sql));

async function ingest(mode: Partial<AppendMode> = {}, overrides: IngestOverrides = {}) {
    const stream = await applyStream(database.target, appendTo("public.readings", mode));
    const summary = await ingestFolder(database.target, folder, overrides, stream);
    await expectChecksToPass(sql);
    return summary;
}

describe("every record becomes a row", () => {
    test("equal ones in a file, in two files and beside rows of others; what a rule breaks is rejected", async () => {
        await sql`insert into readings values (1, 'a')`;
        writeFileSync(path("1.csv"), `${header}1,a\n1,a\n,\n2,b\nx,c\n3,bad\n`);
        writeFileSync(path("2.csv"), `${header}1,a\n4,d\n`);
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "1 a", "1 a", "1 a", "2 b", "4 d"]);
        expect(await readSums(sql)).toEqual({ read: 7, inserted: 5, rejected: 2 });
        expect(await readStanding(sql)).toEqual(["1.csv:4 meter_invalid", "1.csv:5 word_allowed"]);
    });

    test.each([1, 2, 4])("with %i merge workers, small chunks and small batches", async (mergeWorkers) => {
        const lines = Array.from({ length: 300 }, (_, index) => `${index % 7},w${index % 5}\n`);
        writeFileSync(path("1.csv"), header + lines.join(""));
        await ingest({}, { mergeWorkers, maxChunkBytes: 200, maxBatchRecords: 20 });
        expect(await readReadings(sql)).toEqual(lines.map((line) => line.trim().replace(",", " ")).sort());
        expect(await readSums(sql)).toEqual({ read: 300, inserted: 300 });
    });

    test("parsed as verbatim: the number of a record decides its slice", async () => {
        const lines = Array.from({ length: 40 }, (_, index) => `${index},x\n`).join("");
        writeFileSync(path("1.csv"), header + lines);
        const declared = appendTo("public.readings");
        const mapped = { ...declared, source: { ...declared.source, defaults: { word: "none" } } };
        await ingestFolder(database.target, folder, {}, await applyStream(database.target, mapped));
        writeFileSync(path("2.csv"), `${header}${lines}41,y\n`);
        await ingest();
        const slices = await sql`
            select slice_records as "sliceRecords" from ingest.chunks where records >= 40 order by chunk_id`;
        const spread = (records: number) =>
            Array.from({ length: 16 }, (_, slice) => {
                return Array.from({ length: records }, (__, index) => index + 1).filter((no) => no % 16 === slice)
                    .length;
            });
        expect(slices.map(({ sliceRecords }) => [...sliceRecords])).toEqual([spread(40), spread(41)]);
    });
});

describe("a file that grows", () => {
    test("goes on behind what was read", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n`);
        await ingest();
        appendFileSync(path("1.csv"), "1,a\n2,b\n");
        await ingest();
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "1 a", "2 b"]);
        expect(await readSums(sql)).toEqual({ read: 3, inserted: 3 });
    });

    test.each([
        ["a line feed", "\n", "\n"],
        ["a carriage return and a line feed", "\r\n", "\r\n"],
        ["the line feed behind a carriage return", "\r\n", "\n"],
    ])("whose last record lacked its line end is not read again when %s comes", async (_, lineEnd, comes) => {
        writeFileSync(path("1.csv"), `${header}1,a\n2,b${lineEnd.slice(0, -comes.length)}`);
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
        appendFileSync(path("1.csv"), comes);
        await ingest();
        appendFileSync(path("1.csv"), `3,c${lineEnd}x,y${lineEnd}`);
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b", "3 c"]);
        expect(await readSums(sql)).toEqual({ read: 4, inserted: 3, rejected: 1 });
        expect(await readStanding(sql)).toEqual(["1.csv:4 meter_invalid"]);
    });

    test("tells the line of what comes behind such a record", async () => {
        writeFileSync(path("1.csv"), `${header}1,a`);
        await ingest();
        appendFileSync(path("1.csv"), "\n2,b\n3,c,d\n");
        await ingest();
        const [reject] = await sql`select record_no as "recordNo", line_no as line from ingest.rejects`;
        expect(reject).toEqual({ recordNo: 3, line: 4 });
    });

    test("whose last record goes on: the whole of it is kept apart, and what follows gets in", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n2,b`);
        await ingest();
        appendFileSync(path("1.csv"), "ee\n3,c\n");
        await ingest();
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b", "3 c"]);
        expect(await readSums(sql)).toEqual({ read: 4, inserted: 3, rejected: 1 });
        expect(await readStanding(sql)).toEqual(["1.csv:2 tail_continued 2,bee"]);
        expect(await readFiles(sql)).toEqual(["1.csv merged"]);
    });

    test("and goes on within a record, where a condition asks for a value: what is kept apart is named for what it is", async () => {
        await sql`alter table readings add constraint word_there check (word is not null)`;
        writeFileSync(path("1.csv"), `${header}1,a`);
        await ingest();
        appendFileSync(path("1.csv"), "a\n2\n3,\n");
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a"]);
        expect(await readStanding(sql)).toEqual([
            "1.csv:1 tail_continued 1,aa",
            "1.csv:2 too_few_fields 2",
            "1.csv:3 word_there",
        ]);
    });

    test("whose unfinished last record was no row either: the whole is kept apart all the same", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n2`);
        await ingest();
        appendFileSync(path("1.csv"), "0,b\n3,c\n");
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "3 c"]);
        expect(await readStanding(sql)).toEqual(["1.csv:2 too_few_fields 2", "1.csv:2 tail_continued 20,b"]);
    });

    test("behind a quote that was open: each line is read once", async () => {
        writeFileSync(path("1.csv"), `${header}1,"a\n2,b\n`);
        await ingest();
        expect(await readReadings(sql)).toEqual(["2 b"]);
        appendFileSync(path("1.csv"), '3,c"\n4,d\n');
        await ingest();
        const standing = await readStanding(sql);
        const { read, inserted, rejected } = await readSums(sql);
        expect(await readReadings(sql)).toEqual(["2 b", "4 d"]);
        expect(inserted).toBe(2);
        expect(read).toBe(inserted! + rejected!);
        expect(standing.length).toBe(rejected!);
    });

    test("from a header alone, or a comment, that had no line end: no record was taken", async () => {
        writeFileSync(path("1.csv"), "meter,word");
        writeFileSync(path("2.csv"), `${header}1,a\n  `);
        await ingest();
        appendFileSync(path("1.csv"), "\n1,a\n");
        appendFileSync(path("2.csv"), "2,b\n");
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "1 a", "2 b"]);
        expect(await readStanding(sql)).toEqual([]);
    });

    test.each([
        ["an index", false],
        ["no index", true],
    ])(
        "and is half merged when its staged rows are lost: beside %s any more, no record is lost or doubled",
        async (_, hasIndex) => {
            if (hasIndex) await sql`create unique index one_word on readings (word)`;
            const lines = Array.from({ length: 40 }, (_, no) => `${no},w${no}\n`);
            writeFileSync(path("1.csv"), header + lines.join(""));
            await stopAtChunk("state = 'staged' and merged_slices <> 0", "slice_no >= 8");
            await sql.unsafe("truncate ingest_readings.staging");
            await (hasIndex ? sql`drop index one_word` : sql`create unique index one_word on readings (word)`);
            await ingest();
            expect((await readReadings(sql)).sort()).toEqual(lines.map((line) => line.trim().replace(",", " ")).sort());
            expect(await readSums(sql)).toEqual({ read: 40, inserted: 40 });
        },
    );

    test("and lost its staged rows: a record that went on is kept apart again", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n2,b`);
        await ingest();
        appendFileSync(path("1.csv"), "ee\n3,c\n");
        await stopAtChunk("state = 'staged'", "true");
        await sql.unsafe("truncate ingest_readings.staging");
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b", "3 c"]);
        expect(await readStanding(sql)).toEqual(["1.csv:2 tail_continued 2,bee"]);
        expect(await readSums(sql)).toEqual({ read: 4, inserted: 3, rejected: 1 });
    });

    /** Ends an ingest when there is such a chunk. Meanwhile nothing of the locked slices is merged. */
    async function stopAtChunk(chunk: string, lockedSlices: string): Promise<void> {
        const stream = await applyStream(database.target, appendTo("public.readings"));
        await sql.begin(async (other) => {
            await other.unsafe(
                `select from ingest.slices where stream_id = ${stream.id} and ${lockedSlices} for update`,
            );
            const stopper = new AbortController();
            const run = runIngest({
                streams: [stream],
                target: database.target,
                config: ingestConfig(folder),
                log: { info() {}, warn() {}, error() {} },
                signal: stopper.signal,
            });
            await waitUntil(
                "the ingest is there",
                async () => (await sql.unsafe(`select from ingest.chunks where ${chunk}`)).length > 0,
            );
            stopper.abort();
            await run;
        });
    }

    test("behind a quote that stays open, read again in several chunks: each line is read once", async () => {
        const lines = Array.from({ length: 5000 }, (_, index) => `${index},b`);
        writeFileSync(path("1.csv"), `${header}1,"a\n${lines.join("\n")}`);
        await ingest();
        appendFileSync(path("1.csv"), "c\n9,d\n");
        // With a longer limit all behind the quote is one chunk.
        await ingest({}, { maxRecordBytes: 16_384, maxChunkBytes: 16_384 });
        expect((await readReadings(sql)).sort()).toEqual(
            [...lines.map((line) => line.replace(",", " ")), "9 d"].sort(),
        );
        expect(await readSums(sql)).toEqual({ read: 10_003, inserted: 5001, rejected: 5002 });
    });
});

describe("a file that was rewritten", () => {
    test.each([
        ["shorter", `${header}9,z\n`],
        ["of the same size", `${header}1,a\n3,c\n`],
        ["longer", `${header}7,a\n2,b\n3,c\n`],
    ])("%s is refused, whenever it is looked at, until its old content is back", async (_, text) => {
        const before = `${header}1,a\n2,b\n`;
        writeFileSync(path("1.csv"), before);
        await ingest();
        writeFileSync(path("1.csv"), text);
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv failed rewritten_append"]);
        await sql`select ingest.retry_files('1.csv')`;
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv failed rewritten_append"]);
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
        writeFileSync(path("1.csv"), before);
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged"]);
        appendFileSync(path("1.csv"), "3,c\n");
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b", "3 c"]);
    });

    test("is a new delivery where its stream says so", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n`);
        await ingest();
        writeFileSync(path("1.csv"), `${header}2,b\n1,a\n`);
        await ingest();
        await sql`select ingest.retry_files('1.csv')`;
        await ingest({ rewritten: "again" });
        expect(await readFiles(sql)).toEqual(["1.csv replaced rewritten", "1.csv#2 merged"]);
        expect(await readReadings(sql)).toEqual(["1 a", "1 a", "2 b"]);
        writeFileSync(path("1.csv"), `${header}1,a\n`);
        await ingest({ rewritten: "again" });
        expect(await readReadings(sql)).toEqual(["1 a", "1 a", "1 a", "2 b"]);
    });
});

test("a file that was refused and is gone is forgotten only with --yes, whatever a prune has left of its counts", async () => {
    writeFileSync(path("1.csv"), `${header}1,a\n`);
    await ingest();
    writeFileSync(path("1.csv"), `${header}9,z\n`);
    await ingest();
    rmSync(path("1.csv"));
    await ageLedger(sql, 60);
    const { before } = await planPrune(pruning, 24 * 60 * 60 * 1000);
    await runPrune(pruning, before);
    const [file] =
        await sql`select file_id as "fileId", ingest.merged_records(file_id) as "mergedRecords" from ingest.files`;
    expect(file).toMatchObject({ mergedRecords: 0 });
    const forget = (evenPartly: boolean) => forgetFile(sql, file!.fileId, { inputDir: folder, evenPartly });
    await expect(forget(false)).rejects.toMatchObject({ code: "file_partly_in" });
    expect(await forget(true)).toMatchObject({ path: "1.csv", problem: "rewritten_append" });
});

describe("the same content under another name", () => {
    test("is skipped, renamed or copied", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n`);
        await ingest();
        writeFileSync(path("2.csv"), `${header}1,a\n`);
        renameSync(path("1.csv"), path("3.csv"));
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv skipped copy", "3.csv skipped copy"]);
        expect(await readReadings(sql)).toEqual(["1 a"]);
    });

    test("is skipped where the first grew before it was renamed", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n`);
        await ingest();
        appendFileSync(path("1.csv"), "2,b\n3");
        await ingest();
        appendFileSync(path("1.csv"), "3,c\n");
        await ingest();
        renameSync(path("1.csv"), path("2.csv"));
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv skipped copy"]);
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
    });

    test.each([
        ["one chunk", 1_000_000],
        ["several chunks", 20],
    ])("of %s is skipped where the first was rewritten meanwhile, refused or not", async (_, maxChunkBytes) => {
        const content = `${header}1,a\n2,b\n3,c\n4,d\n`;
        for (const rewritten of ["refuse", "again"] as const) {
            writeFileSync(path(`${rewritten}.csv`), content.replace("1,a", rewritten === "again" ? "5,e" : "1,a"));
            await ingest({}, { maxChunkBytes });
            renameSync(path(`${rewritten}.csv`), path(`${rewritten}-old.csv`));
            writeFileSync(path(`${rewritten}.csv`), `${header}9,${rewritten}\n`);
            await ingest({ rewritten }, { maxChunkBytes });
        }
        expect(await readFiles(sql)).toEqual([
            "again-old.csv skipped copy",
            "again.csv replaced rewritten",
            "again.csv#2 merged",
            "refuse-old.csv skipped copy",
            "refuse.csv failed rewritten_append",
        ]);
        expect(await readReadings(sql)).toHaveLength(9);
    });

    test("is skipped where it is one chunk, and too large to be held in memory", async () => {
        const lines = Array.from({ length: 150_000 }, (_, no) => `${no},w${no % 9}\n`).join("");
        writeFileSync(path("1.csv"), header + lines);
        expect(Buffer.byteLength(lines)).toBeGreaterThan(1024 * 1024);
        await ingest();
        renameSync(path("1.csv"), path("2.csv"));
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv skipped copy"]);
        expect(await readSums(sql)).toEqual({ read: 150_000, inserted: 150_000 });
    });

    test("waits while it may still grow, and its last line has no end", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n2,b`);
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
        writeFileSync(path("2.csv"), `${header}1,a\n2,b`);
        await ingest({}, { tailSettleMs: 60_000 });
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv skipped copy"]);
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
    });

    test("and of the time before it was rewritten is skipped after a prune, too", async () => {
        for (const word of ["a", "b"]) {
            writeFileSync(path("1.csv"), `${header}1,${word}\n`);
            await ingest({ rewritten: "again" });
        }
        await ageLedger(sql, 60);
        const { before } = await planPrune(pruning, 24 * 60 * 60 * 1000);
        await runPrune(pruning, before);
        writeFileSync(path("2.csv"), `${header}1,a\n`);
        await ingest({ rewritten: "again" });
        expect(await readFiles(sql)).toEqual(["1.csv replaced rewritten", "1.csv#2 merged", "2.csv skipped copy"]);
        expect(await readReadings(sql)).toEqual(["1 a", "1 b"]);
    });

    test("is foreseen by a dry run, of the same file too; what was added to it is said to be all that is read", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n`);
        await ingest();
        const stream = await applyStream(database.target, appendTo("public.readings"));
        const attempt = async () => {
            const config = { ...ingestConfig(folder), sources: [stream.source!] };
            const options = { target: database.target, stream, config, files: [path("1.csv")] };
            const [{ copyOf, notes }] = (await tryFiles(options)) as [TriedFile];
            return { copyOf, notes };
        };
        expect(await attempt()).toEqual({ copyOf: "1.csv", notes: [] });
        appendFileSync(path("1.csv"), "2,b\n");
        expect(await attempt()).toEqual({
            copyOf: null,
            notes: [expect.stringContaining("was read up to byte 15: if this one begins with the same bytes")],
        });
    });

    test("is another delivery where its stream says so", async () => {
        for (const name of ["1.csv", "2.csv"]) writeFileSync(path(name), `${header}1,a\n`);
        await ingest({ copies: "again" });
        expect(await readReadings(sql)).toEqual(["1 a", "1 a"]);
        await ingest({ copies: "again" });
        expect(await readReadings(sql)).toEqual(["1 a", "1 a"]);
    });

    test("is skipped after a prune too: the ledger keeps what was merged", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n`);
        await ingest({}, { afterMerge: "delete" });
        await ageLedger(sql, 60);
        const { before } = await planPrune(pruning, 24 * 60 * 60 * 1000);
        expect(await runPrune(pruning, before)).toMatchObject({ batches: 1, files: 0 });
        for (const name of ["1.csv", "2.csv"]) writeFileSync(path(name), `${header}1,a\n`);
        await ingest();
        expect(await readFiles(sql)).toEqual(["1.csv merged", "2.csv skipped copy"]);
        expect(await readReadings(sql)).toEqual(["1 a"]);
    });
});

describe("what the table refuses", () => {
    test("is that record's alone: by a unique index the first record wins, whatever the workers", async () => {
        await sql`create unique index one_meter on readings (meter)`;
        const lines = Array.from({ length: 60 }, (_, index) => `${index % 20},w${index}\n`);
        writeFileSync(path("1.csv"), header + lines.join(""));
        await ingest({}, { mergeWorkers: 4, maxChunkBytes: 100, maxBatchRecords: 10 });
        const expected = Array.from({ length: 20 }, (_, index) => `${index} w${index}`);
        expect((await readReadings(sql)).sort()).toEqual(expected.sort());
        expect(await readSums(sql)).toEqual({ read: 60, inserted: 20, rejected: 40 });
        expect((await readStanding(sql))[0]).toBe("1.csv:21 one_meter_taken");
    });

    test("a row that a trigger leaves out is rejected", async () => {
        await sql.unsafe(`
            create or replace function leave_out() returns trigger language plpgsql as
                'begin if new.word = ''skip'' then return null; end if; return new; end';
            create trigger leave_out before insert on readings for each row execute function leave_out()`);
        writeFileSync(path("1.csv"), `${header}1,a\n2,skip\n3,c\nx,d\n`);
        const declared = { ...appendTo("public.readings"), allowsTriggers: true };
        await ingestFolder(database.target, folder, {}, await applyStream(database.target, declared));
        expect(await readReadings(sql)).toEqual(["1 a", "3 c"]);
        expect(await readSums(sql)).toEqual({ read: 4, inserted: 2, rejected: 2 });
        expect(await readStanding(sql)).toEqual(["1.csv:2 refused_by_table", "1.csv:4 meter_invalid"]);
    });

    test("a key that Postgres alone fills is in nobody's way, and no key of the stream", async () => {
        await sql.unsafe(`
            drop table readings;
            create table readings (
                id bigint generated always as identity primary key, meter bigint, word text
            )`);
        const stream = await applyStream(database.target, appendTo("public.readings"));
        expect({ keys: stream.keys, key: stream.key, isSlicedByNumber: stream.isSlicedByNumber }).toEqual({
            ...{ keys: [], key: null, isSlicedByNumber: true },
        });
        writeFileSync(path("1.csv"), `${header}1,a\n1,a\n`);
        await ingest();
        expect(await readReadings(sql)).toEqual(["1 a", "1 a"]);
    });
});

describe("a reject", () => {
    const replay = async () => {
        await replayStreams(sql, await readStreams(sql), {});
        await expectChecksToPass(sql);
    };

    test("that was corrected becomes a row, once", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\nx,b\n3,bad\n`);
        await ingest();
        await sql`update ingest.rejects set record = record || '{"meter": "2"}' where reasons = '{meter_invalid}'`;
        await replay();
        await replay();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
        expect(await readStanding(sql)).toEqual(["1.csv:3 word_allowed"]);
        expect(await readSums(sql)).toEqual({ read: 4, inserted: 2, rejected: 2 });
    });

    test("whose values were never split becomes one when somebody gives them", async () => {
        writeFileSync(path("1.csv"), `${header}1,a\n2,b`);
        await ingest();
        appendFileSync(path("1.csv"), "ee\n");
        await ingest();
        await replay();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b"]);
        await sql`update ingest.rejects set record = '{"meter": "2", "word": "bee"}' where reasons = '{tail_continued}'`;
        await replay();
        expect(await readReadings(sql)).toEqual(["1 a", "2 b", "2 bee"]);
        expect(await readStanding(sql)).toEqual([]);
    });

    test("of a time when the stream had a key is left alone, until somebody accepts it", async () => {
        await sql`create unique index one_meter on readings (meter)`;
        await sql`alter table readings alter column meter set not null`;
        writeFileSync(path("1.csv"), `${header}1,a\n1,b\n`);
        await ingestFolder(
            ...([
                database.target,
                folder,
                {},
                await applyStream(database.target, streamOfTable("public.readings")),
            ] as const),
        );
        await sql`drop index one_meter`;
        await ingest();
        await replay();
        expect(await readReadings(sql)).toEqual(["1 a"]);
        await replayStreams(sql, await readStreams(sql), { acceptConflicts: true });
        expect(await readReadings(sql)).toEqual(["1 a", "1 b"]);
        await expectChecksToPass(sql);
    });
});

describe("a table without a key", () => {
    test("is refused by the other modes; the remedy names append", async () => {
        await expect(applyStream(database.target, streamOfTable("public.readings"))).rejects.toMatchObject({
            code: "table_without_key",
            remedy: expect.stringContaining("`--mode append`"),
        });
    });

    test("has no mode changed while parts of its files wait", async () => {
        await sql`alter table readings add column id bigint`;
        await sql`alter table readings add primary key (id)`;
        const stream = await applyStream(database.target, streamOfTable("public.readings"));
        await sql`
            insert into ingest.files (file_id, stream_id, path, version, size_bytes, mtime_ns, inode)
            overriding system value values (900, ${stream.id}, 'x.csv', 1, 1, 1, 1)`;
        await sql`
            insert into ingest.chunks (
                stream_id, chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash, state
            )
            overriding system value values (${stream.id}, 900, 900, 0, 1, 1, 1, 1, '', 'pending')`;
        await expect(applyStream(database.target, appendTo("public.readings"))).rejects.toMatchObject({
            code: "mode_changed",
        });
    });
});
