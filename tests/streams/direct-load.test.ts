/**
 * Chunks of a large file may go straight into the table. Whether that is tried is a guess, so it must never show: the same files
 * give the same rows, counts and rejects either way.
 */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { useDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { runsOf } from "../support/sample.ts";
import { openSession, whenWaiting } from "../support/sessions.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(testTimeoutMs);

const database = useDatabase(import.meta.path);
const { sql } = database;
/** The same table three times: tried for each file, for none, and when the ledger says so. */
const ways = ["always", "never", "guessed"] as const;
type Way = (typeof ways)[number];
const several = useSeveralStreams(database, () => ways.map((way) => declare(way, `${way}/*.csv`, `${way}.goods`)));
const seed = Number(process.env.SLUICE_SEED || Math.floor(Math.random() * 2 ** 31));
const runs = Number(process.env.SLUICE_RUNS || runsOf(6, 3));

beforeAll(async () => {
    for (const way of ways) {
        await sql.unsafe(`
            create schema ${way};
            create table ${way}.owners (id bigint primary key);
            insert into ${way}.owners values (1), (2);
            create type ${way}.colour as enum ('red', 'Green');
            create table ${way}.goods (
                no bigint primary key,
                "Word short" varchar(5),
                letter char(2),
                colour ${way}.colour,
                amount integer not null check (amount >= 0),
                price numeric(6, 2),
                at timestamptz,
                owner_id bigint references ${way}.owners deferrable initially deferred,
                made_at date default '2026-01-02'
            )`);
    }
    await sql.unsafe(`
        alter function ingest.takes_direct_load rename to guesses_direct_load;
        create function ingest.takes_direct_load(this_stream smallint) returns boolean language sql return (
            select case streams.name
                when 'always' then not ingest.has_open_chunk(this_stream)
                when 'never' then false
                else ingest.guesses_direct_load(this_stream)
            end
            from ingest.streams
            where streams.stream_id = this_stream
        )`);
});

const often = <Value>(good: readonly Value[], odd: readonly Value[]) =>
    fc.oneof({ weight: 200, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const valuesOf = fc.record({
    word: often(["a", "ünïcö", "", "\\N"], ["too long", " b", "b  ", '"q,q"', '""', "a\u00a0"]),
    letter: often(["x", "xy", ""], ["xyz", "x "]),
    colour: often(["red", "Green", ""], ["RED", "blue"]),
    amount: often(["1", "0", "2147483647"], ["007", "-1", "x", "", "2147483648", "1.0"]),
    price: often(["1.50", "0", "-9999.99", ""], ["1.505", "12345", "1e2", "NaN"]),
    at: often(["2026-05-01T10:00:00Z", ""], ["2026-05-01 10:00:00.5+02", "2026-02-30", "soon", "2026-05-01"]),
    owner: often(["1", "2", ""], ["9"]),
});
const mostKeys = 60;
const keysOf = fc.oneof(
    // As a sequence gives them.
    fc
        .tuple(fc.integer({ min: 1, max: mostKeys }), fc.integer({ min: 1, max: 25 }))
        .map(([from, count]) => Array.from({ length: count }, (_, index) => from + index)),
    fc.array(fc.integer({ min: 1, max: mostKeys }), { minLength: 1, maxLength: 25 }),
);
const linesOf = keysOf.chain((keys) =>
    fc
        .array(valuesOf, { minLength: keys.length, maxLength: keys.length })
        .map((values) => keys.map((key, index) => [key, ...Object.values(values[index]!)].join(","))),
);
const fileOf = fc.record({
    lines: linesOf,
    lineEnd: fc.constantFrom("\n", "\n", "\r\n"),
    /** The last record has no line end: it is read again, with what comes, when the file grows. */
    isOpen: fc.boolean(),
    growth: fc.option(linesOf, { nil: null, freq: 3 }),
    comma: fc.constantFrom(",", ",", ";"),
});
const scheduleOf = fc.record({
    files: fc.array(fileOf, { minLength: 1, maxLength: 4 }),
    /** Rows that somebody else inserts before. */
    theirs: fc.array(fc.integer({ min: 1, max: mostKeys }), { maxLength: 1 }),
    maxBatchRecords: fc.constantFrom(4, 20, 500),
    maxChunkBytes: fc.constantFrom(100, 400, 1000),
    mergeWorkers: fc.constantFrom(1, 2),
});

/** The keys of a run begin behind those of the run before. */
let runNo = 0;
const placed = (line: string) => line.replace(/^\d+/, (key) => String(Number(key) + runNo * 1000));
const header = "no,Word short,letter,colour,amount,price,at,owner_id";

async function outcomeOf(way: Way) {
    const rows = await sql.unsafe(`
        select no, "Word short", letter, colour::text, amount, price, at, owner_id, made_at from ${way}.goods order by no`);
    const counts = await sql`
        select
            split_part(files.path, '/', 2) as file,
            files.state,
            sum(chunk_merges.read)::integer as read,
            sum(chunk_merges.inserted)::integer as inserted,
            sum(chunk_merges.duplicate)::integer as duplicate,
            sum(chunk_merges.conflict)::integer as conflict,
            sum(chunk_merges.rejected)::integer as rejected
        from ingest.chunk_merges
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files using (file_id)
        where files.path like ${`${way}/%`}
        group by files.path, files.state
        order by files.path`;
    const rejects = await sql`
        select
            split_part(files.path, '/', 2) as file, rejects.record_no, rejects.kind, rejects.reasons, rejects.record,
            rejects.refusal ->> 'constraint' as refused_by
        from ingest.rejects
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files using (file_id)
        where files.path like ${`${way}/%`}
        order by files.path, rejects.record_no, rejects.kind`;
    return { rows: [...rows], counts: [...counts], rejects: [...rejects] };
}

const directBatches = async (way: Way): Promise<number> => {
    const [row] = await sql`
        select count(*)::integer as batches
        from ingest.batches
        inner join ingest.streams using (stream_id)
        where streams.name = ${way} and not batches.duration_ms ? 'choose' and batches.kind = 'merge'`;
    return row!.batches;
};

test(`whatever the files, rows, counts and rejects are the same, SLUICE_SEED=${seed}`, async () => {
    await fc.assert(
        fc.asyncProperty(scheduleOf, async ({ files, theirs, maxBatchRecords, maxChunkBytes, mergeWorkers }) => {
            runNo += 1;
            const settings = { maxBatchRecords, maxChunkBytes, mergeWorkers, tailSettleMs: 0 };
            const put = (fileNo: number, lines: readonly string[], isOpen: boolean) => {
                const { lineEnd, comma } = files[fileNo]!;
                const text = [header, ...lines.map(placed)].map((line) => line.replaceAll(",", comma)).join(lineEnd);
                for (const way of ways)
                    several.put(`${way}/run-${runNo}-${fileNo}.csv`, isOpen ? text : text + lineEnd);
            };
            for (const way of ways) {
                for (const key of theirs) {
                    await sql.unsafe(`insert into ${way}.goods (no, amount) values (${key + runNo * 1000}, 1)`);
                }
            }
            for (const [fileNo, { lines, isOpen }] of files.entries()) put(fileNo, lines, isOpen);
            await several.ingestOnce({}, settings);
            for (const [fileNo, { lines, growth }] of files.entries()) {
                if (growth !== null) put(fileNo, [...lines, ...growth], false);
            }
            await several.ingestOnce({}, settings);
            const expected = await outcomeOf("never");
            expect(await outcomeOf("always")).toEqual(expected);
            expect(await outcomeOf("guessed")).toEqual(expected);
        }),
        { seed, numRuns: runs },
    );
    expect(await directBatches("never")).toBe(0);
});

const manyLines = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => `${from + index},a,x,red,1,1.50,2026-05-01T10:00:00Z,1`);
const fileText = (lines: readonly string[]) => [header, ...lines, ""].join("\n");

test("a key that somebody inserts while the chunk is loaded is found after all", async () => {
    const session = openSession(database);
    several.put("always/meanwhile.csv", fileText(manyLines(-50, 50)));
    let ingest: Promise<unknown> | undefined;
    await session.begin(async (theirs) => {
        await theirs`insert into always.goods (no, amount) values (-7, 1)`;
        ingest = several.ingestOnce({}, { maxChunkBytes: 400 });
        await whenWaiting(sql);
    });
    await ingest;
    const { counts } = await outcomeOf("always");
    expect(counts.find(({ file }) => file === "meanwhile.csv")).toMatchObject({ read: 50, inserted: 49, conflict: 1 });
});

test("of two records of one key, the first of the file is the one that is stored", async () => {
    const lines = manyLines(-200, 40);
    const again = "-161,other,x,red,1,1.50,2026-05-01T10:00:00Z,1";
    several.put("always/again.csv", fileText([...lines, again]));
    const before = await directBatches("always");
    await several.ingestOnce({}, { maxChunkBytes: 400 });
    expect((await directBatches("always")) - before).toBeGreaterThan(2);
    const [row] = await sql`select "Word short" as word from always.goods where no = -161`;
    expect(row!.word).toBe("a");
    const { rejects } = await outcomeOf("always");
    expect(rejects.filter(({ file }) => file === "again.csv")).toMatchObject([{ record_no: 41, kind: "conflict" }]);
});

test("a table that changes, or no longer checks its foreign keys, is merged into", async () => {
    const takes = async () => {
        const [row] = await sql`
            select ingest.guesses_direct_load(stream_id) as takes from ingest.streams where name = 'fresh'`;
        return row!.takes as boolean;
    };
    await sql.unsafe(`
        create table public.fresh (
            no bigint primary key, at timestamptz, word text, owner_id bigint references always.owners
        )`);
    const { name } = await applyStream(database.target, declare("fresh", "fresh/*.csv", "public.fresh"));
    expect([name, await takes()]).toEqual(["fresh", true]);
    for (const [change, back] of [
        ["alter column at type timestamp", "alter column at type timestamptz"],
        ["alter column word set default 'x'", "alter column word drop default"],
        ["disable trigger all", "enable trigger all"],
    ]) {
        await sql.unsafe(`alter table public.fresh ${change}`);
        expect([change, await takes()]).toEqual([change, false]);
        await sql.unsafe(`alter table public.fresh ${back}`);
        expect([back, await takes()]).toEqual([back, true]);
    }
});

test("a default that the table gets is known to the stream", async () => {
    const read = () => applyStream(database.target, declare("guessed", "guessed/*.csv", "guessed.goods"));
    const before = JSON.stringify(await read());
    await sql`alter table guessed.goods alter column price set default 1`;
    const now = JSON.stringify(await read());
    await sql`alter table guessed.goods alter column price drop default`;
    expect(now).not.toBe(before);
});

test("a table with a trigger is merged into", async () => {
    const before = await directBatches("guessed");
    await sql.unsafe(`
        create function guessed.keep() returns trigger language plpgsql as 'begin return new; end';
        create trigger watched before insert on guessed.goods for each row execute function guessed.keep()`);
    const [row] = await sql`
        select ingest.guesses_direct_load(stream_id) as takes from ingest.streams where name = 'guessed'`;
    expect(row!.takes).toBe(false);
    await sql.unsafe("drop trigger watched on guessed.goods");
    expect(await directBatches("guessed")).toBe(before);
});
