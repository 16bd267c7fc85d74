/** Columns whose value stands in a file's folders (`partitions`): by every way into the table the same rows, and nothing in silence. */
import { beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { editReject } from "../../src/operations/rejects/edit-rejects.ts";
import { replayStreams } from "../../src/operations/replay-streams.ts";
import { runChecks } from "../../src/operations/run-checks.ts";
import { readStreams } from "../../src/operations/streams/read-streams.ts";
import { tryFiles } from "../../src/operations/try/try-files.ts";
import type { TableStream } from "../../src/streams/apply-stream.ts";
import type { SourceConfig } from "../../src/streams/source-config.ts";
import { useDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { ingestConfig } from "../support/ingest-folder.ts";
import { anyRemoval, snapshotOf } from "../support/snapshots.ts";
import { waitUntil } from "../support/wait-until.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(testTimeoutMs);

const database = useDatabase(import.meta.path);
const { sql } = database;
const withFolders = (name: string, more: Partial<SourceConfig> = {}, mode?: TableStream["mode"]): TableStream => {
    const declared = declare(name, `${name}/**/*.csv`, `public.${name}`);
    return {
        ...declared,
        source: { ...declared.source, partitions: ["day", "region"], ...more },
        ...(mode && { mode }),
    };
};
/** Straight into the table; through staging as the file's bytes, taken apart, or typed by COPY. */
const ways = ["direct", "verbatim", "parsed", "typed"] as const;
const several = useSeveralStreams(database, () => [
    withFolders("direct"),
    withFolders("verbatim"),
    withFolders("parsed", { nulls: ["never"] }),
    withFolders("typed", {}, snapshotOf("public.typed", { ...anyRemoval, by: ["day"] }).mode),
    withFolders("ignoring", { ignore: ["day"] }),
    withFolders("derived", { partitions: ["day"], deriveEventId: { from: "record" } }),
]);

beforeAll(async () => {
    for (const name of [...ways, "ignoring"]) {
        await sql.unsafe(`
            create table ${name} (
                no bigint,
                day date,
                region text,
                word text,
                primary key (day, no)
            )`);
    }
    await sql.unsafe(`
        create table derived (id uuid primary key, day date, word text, note text);
        alter function ingest.takes_direct_load rename to guesses_direct_load;
        create function ingest.takes_direct_load(this_stream smallint) returns boolean language sql return (
            select streams.name = 'direct' and not ingest.has_open_chunk(this_stream)
            from ingest.streams
            where streams.stream_id = this_stream
        )`);
});
beforeEach(async () => {
    await sql`select from ingest.reset()`;
    await sql.unsafe(`truncate ${[...ways, "ignoring", "derived"].join(", ")}`);
});

const rowsOf = async (table: string) =>
    (await sql.unsafe(`select no, day::text, region, word from ${table} order by day, region, no`)).map((row) =>
        Object.values(row).join(" "),
    );
const filesOf = async (stream: string) => (await several.files()).filter((file) => file.stream === stream);
/** A COPY that Postgres refuses would be done again in another way, and nobody would see it but in the load that was given up. */
const waysOf = async (stream: string) =>
    (
        await sql`
            select distinct case loads.state when 'abandoned' then 'given up' else loads.way end as way
            from ingest.loads
            inner join ingest.streams using (stream_id)
            where streams.name = ${stream}
            order by 1`
    ).map(({ way }) => way as string);
const rejectsOf = async (stream: string) => [
    ...(await sql`
        select rejects.reject_id as id, files.path, rejects.record_no, rejects.reasons, rejects.record, rejects.raw_text
        from ingest.rejects
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files using (file_id)
        inner join ingest.streams on streams.stream_id = files.stream_id
        where streams.name = ${stream} and rejects.resolved_by_batch is null
        order by files.path, rejects.record_no`),
];

const small = 'no,word\n1,x\n2,"q,uo"\n';
const large = (count: number) => `no,word\n${Array.from({ length: count }, (_, index) => `${index + 1},w\n`).join("")}`;
const ingest = (...names: string[]) =>
    several.ingestOnce(
        { streams: several.streams.filter(({ name }) => names.includes(name)) },
        { maxChunkBytes: 400, tailSettleMs: 0 },
    );

test("by every way into the table, records get the values of their folders", async () => {
    // Alone: a direct load begins where nothing waits to be merged.
    for (const way of ways) several.put(`${way}/day=2026-05-04/region=x y/large.csv`, large(300));
    await ingest(...ways);
    for (const way of ways) {
        several.put(`${way}/day=2026-05-01/region=DE%2FAT/a.csv`, small);
        several.put(`${way}/day=2026-05-02/region=__HIVE_DEFAULT_PARTITION__/a.csv`, small);
        several.put(`${way}/Day=2026-05-03/region=a%22b%2Cc%0Ad/a.csv.gz`, Bun.gzipSync(small) as never);
    }
    await ingest(...ways);
    const expected = [
        ...["1 2026-05-01 DE/AT x", "2 2026-05-01 DE/AT q,uo", "1 2026-05-02  x", "2 2026-05-02  q,uo"],
        ...['1 2026-05-03 a"b,c\nd x', '2 2026-05-03 a"b,c\nd q,uo'],
        ...Array.from({ length: 300 }, (_, index) => `${index + 1} 2026-05-04 x y w`),
    ];
    for (const way of ways) {
        expect([way, await rowsOf(way)]).toEqual([way, expected]);
        expect([way, await waysOf(way)]).toEqual([way, [way === "parsed" ? "parsed" : "verbatim"]]);
    }
    expect(several.streams.find(({ name }) => name === "typed")!.typed).not.toBeNull();
    const [direct] = await sql`
        select count(*) as batches
        from ingest.batches
        inner join ingest.streams using (stream_id)
        where streams.name = 'direct' and not batches.duration_ms ? 'choose'`;
    expect(direct!.batches).toBeGreaterThan(2);
    expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
});

test("the same bytes in another folder are other records, by their ids too; in the same folder they are a copy", async () => {
    for (const day of ["2026-05-01", "2026-05-02"]) {
        several.put(`verbatim/day=${day}/region=x/a.csv`, small);
        several.put(`derived/day=${day}/a.csv`, "word,note\nx,\ny,\n");
    }
    await ingest("verbatim", "derived");
    several.put("verbatim/day=2026-05-01/region=x/b.csv", small);
    several.put("verbatim/day=2026-05-03/region=x/a.csv", small);
    await ingest("verbatim");
    expect(await rowsOf("verbatim")).toHaveLength(6);
    expect((await filesOf("verbatim")).filter(({ state }) => state === "skipped").map(({ path }) => path)).toEqual([
        "verbatim/day=2026-05-01/region=x/b.csv",
    ]);
    const rows = await sql`select day::text, word from derived order by day, word`;
    expect(rows.map((row) => Object.values(row).join(" "))).toEqual([
        ...["2026-05-01 x", "2026-05-01 y"],
        ...["2026-05-02 x", "2026-05-02 y"],
    ]);
});

test("what is wrong with a folder's value is rejected as in a file; so is a record that says otherwise, and one that says nothing is not", async () => {
    const lines = ["1, 2026-05-01 ,x", '2,"",x', "3,2026-05-02,x", '4,2026-05-01,"a,b"'];
    const text = ["no,day,word", ...lines, ""].join("\n");
    several.put("verbatim/day=2026-05-01/region=x/both.csv", text);
    several.put("ignoring/day=2026-05-01/region=x/both.csv", text);
    several.put("verbatim/day=2026-02-30/region=x/a.csv", `${small}3\n`);
    several.put("direct/day=2026-05-01/region=x/a.csv", `${small}3\n`);
    several.put("verbatim/day=__HIVE_DEFAULT_PARTITION__/region=x/a.csv", "no,word\n1,x\n");
    await ingest("verbatim", "ignoring", "direct");
    expect([await rowsOf("direct"), await waysOf("direct")]).toEqual([
        ["1 2026-05-01 x x", "2 2026-05-01 x q,uo"],
        ["verbatim"],
    ]);
    const rejects = await rejectsOf("verbatim");
    expect(rejects.map(({ reasons, record, raw_text }) => [reasons, record ?? raw_text])).toEqual([
        [["day_invalid"], { no: "1", day: "2026-02-30", region: "x", word: "x" }],
        [["day_invalid"], { no: "2", day: "2026-02-30", region: "x", word: "q,uo" }],
        [["too_few_fields"], "3"],
        [["partition_differs"], "3,2026-05-02,x"],
        [["day_missing"], { no: "1", day: null, region: "x", word: "x" }],
    ]);
    const rows = ["1 2026-05-01 x x", "2 2026-05-01 x x", "4 2026-05-01 x a,b"];
    expect(await rowsOf("verbatim")).toEqual(rows);
    expect(await rowsOf("ignoring")).toEqual([...rows.slice(0, 2), "3 2026-05-01 x x", rows[2]!]);

    await editReject(sql, rejects[0]!.id, { day: "2026-03-01" });
    await replayStreams(sql, await readStreams(sql), {});
    expect(await rowsOf("verbatim")).toEqual(["1 2026-03-01 x x", ...rows]);
});

test("a file that grows, and chunks whose staged rows are lost, keep the values of their folders", async () => {
    several.put("verbatim/day=2026-05-01/region=x/a.csv", large(40));
    await ingest("verbatim");
    several.put("verbatim/day=2026-05-01/region=x/a.csv", large(90));
    several.put("typed/day=2026-05-01/region=x/a.csv", large(90));
    const names = ["verbatim", "typed"];
    await sql.begin(async (other) => {
        await other`select from ingest.slices for update`;
        const running = several.start({ streams: several.streams.filter(({ name }) => names.includes(name)) });
        await waitUntil("both are staged", async () => {
            const staged = await sql`select distinct stream_id from ingest.chunks where state = 'staged'`;
            return staged.length === names.length;
        });
        await running.stop();
    });
    for (const name of names) await sql.unsafe(`truncate ingest_${name}.staging`);
    await ingest(...names);
    const expected = Array.from({ length: 90 }, (_, index) => `${index + 1} 2026-05-01 x w`);
    for (const name of names) expect([name, await rowsOf(name)]).toEqual([name, expected]);
    expect(await rejectsOf("verbatim")).toEqual([]);
    expect((await runChecks(sql)).filter(({ passed }) => !passed)).toEqual([]);
});

test("a path without the folder, or with two that differ, fails the file and says what to do; try reads whole paths", async () => {
    several.put("verbatim/region=x/a.csv", small);
    several.put("verbatim/day=2026-05-01/region=x/day=2026-05-02/a.csv", small);
    await ingest("verbatim");
    expect(await filesOf("verbatim")).toMatchObject([
        {
            problem: "partition_ambiguous",
            detail: expect.stringContaining("day=2026-05-01/region=x/day=2026-05-02/a.csv has several folders day=…/"),
        },
        { problem: "partition_missing", detail: expect.stringContaining("has no folder day=…/") },
    ]);
    expect(await rowsOf("verbatim")).toEqual([]);

    several.put("elsewhere/day=2026-05-01/region=x/a.csv", small);
    const stream = several.streams.find(({ name }) => name === "verbatim")!;
    const config = { ...ingestConfig(several.inputDir), sources: [{ ...stream.source!, match: "*" }] };
    const files = [join(several.inputDir, "elsewhere/day=2026-05-01/region=x/a.csv")];
    const tried = await tryFiles({ target: database.target, stream, config, files });
    expect(tried).toMatchObject([{ problem: null, records: { inserted: 2 } }]);
    expect(tried[0]!.insertedSamples[0]!.record).toMatchObject({ day: "2026-05-01", region: "x" });
});
