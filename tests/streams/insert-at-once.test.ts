/**
 * A merge into a table that Sluice found may insert all of its records at once, without a look at what is there. Whether that
 * is tried is a guess, so it must never show: the same files give the same rows, counts and rejects either way.
 */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { useDatabase } from "../support/fixture.ts";
import { testTimeoutMs } from "../support/generate-folder.ts";
import { runsOf } from "../support/sample.ts";
import { openSession, whenWaiting } from "../support/sessions.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(testTimeoutMs);

const database = useDatabase(import.meta.path);
const { sql } = database;
/** The same table three times: tried for each batch, for none, and when the ledger says so. */
const ways = ["always", "never", "guessed"] as const;
type Way = (typeof ways)[number];
const several = useSeveralStreams(database, () => ways.map((way) => declare(way, `${way}/*.csv`, `${way}.goods`)));
const seed = Number(process.env.SLUICE_SEED || Math.floor(Math.random() * 2 ** 31));
const runs = Number(process.env.SLUICE_RUNS || runsOf(15, 4));

beforeAll(async () => {
    for (const way of ways) {
        await sql.unsafe(`
            create schema ${way};
            create table ${way}.owners (id bigint primary key);
            insert into ${way}.owners values (1), (2);
            create table ${way}.goods (
                no bigint primary key,
                word varchar(5),
                amount integer not null default 7 check (amount >= 0),
                owner_id bigint references ${way}.owners deferrable initially deferred,
                code integer unique
            )`);
    }
    await sql.unsafe(`
        alter function ingest.expects_new_keys rename to guesses_new_keys;
        create function ingest.expects_new_keys(this_stream smallint) returns boolean language sql stable return (
            select case streams.name
                when 'always' then true
                when 'never' then false
                else ingest.guesses_new_keys(this_stream)
            end
            from ingest.streams
            where streams.stream_id = this_stream
        )`);
});

interface Step {
    /** Rows that somebody else inserts before. */
    theirs: number[];
    files: string[][];
}

const mostKeys = 30;
const valuesOf = fc.record({
    word: fc.constantFrom("a", "b", "", "too long"),
    amount: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom("1", "2", "") },
        { weight: 1, arbitrary: fc.constantFrom("-1", "x") },
    ),
    owner: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom("1", "2", "") },
        { weight: 1, arbitrary: fc.constant("9") },
    ),
    code: fc.oneof(
        { weight: 9, arbitrary: fc.constant("") },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }).map(String) },
    ),
});
const keysOf = fc.oneof(
    // As a sequence gives them.
    fc
        .tuple(fc.integer({ min: 1, max: mostKeys }), fc.integer({ min: 1, max: 12 }))
        .map(([from, count]) => Array.from({ length: count }, (_, index) => from + index)),
    fc.array(fc.integer({ min: 1, max: mostKeys }), { minLength: 1, maxLength: 8 }),
);
const fileOf = keysOf.chain((keys) =>
    fc
        .array(valuesOf, { minLength: keys.length, maxLength: keys.length })
        .map((values) => keys.map((key, index) => [key, ...Object.values(values[index]!)].join(","))),
);
const stepOf: fc.Arbitrary<Step> = fc.record({
    theirs: fc.array(fc.integer({ min: 1, max: mostKeys }), { maxLength: 2 }),
    files: fc.array(fileOf, { minLength: 1, maxLength: 3 }),
});
const scheduleOf = fc.record({
    steps: fc.array(stepOf, { minLength: 1, maxLength: 3 }),
    maxBatchRecords: fc.constantFrom(4, 20, 500),
    maxChunkBytes: fc.constantFrom(40, 1000),
});

/** The keys of a run begin behind those of the run before. */
let runNo = 0;
const placed = (line: string) => line.replace(/^\d+/, (key) => String(Number(key) + runNo * 1000));

async function outcomeOf(way: Way) {
    const rows = await sql.unsafe(`select * from ${way}.goods order by no`);
    const counts = await sql`
        select
            split_part(files.path, '/', 2) as file,
            sum(chunk_merges.read)::integer as read,
            sum(chunk_merges.inserted)::integer as inserted,
            sum(chunk_merges.duplicate)::integer as duplicate,
            sum(chunk_merges.conflict)::integer as conflict,
            sum(chunk_merges.rejected)::integer as rejected
        from ingest.chunk_merges
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files using (file_id)
        where files.path like ${`${way}/%`}
        group by files.path
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

test(`whatever the keys, rows, counts and rejects are the same, SLUICE_SEED=${seed}`, async () => {
    await fc.assert(
        fc.asyncProperty(scheduleOf, async ({ steps, maxBatchRecords, maxChunkBytes }) => {
            runNo += 1;
            for (const [stepNo, { theirs, files }] of steps.entries()) {
                for (const way of ways) {
                    for (const key of theirs) {
                        await sql.unsafe(`insert into ${way}.goods (no, word) values (${key + runNo * 1000}, 'a')
                            on conflict do nothing`);
                    }
                    for (const [fileNo, lines] of files.entries()) {
                        const text = ["no,word,amount,owner_id,code", ...lines.map(placed), ""].join("\n");
                        several.put(`${way}/run-${runNo}-${stepNo}-${fileNo}.csv`, text);
                    }
                }
                await several.ingestOnce({}, { maxBatchRecords, maxChunkBytes, mergeWorkers: 2 });
            }
            const expected = await outcomeOf("never");
            expect(await outcomeOf("always")).toEqual(expected);
            expect(await outcomeOf("guessed")).toEqual(expected);
        }),
        { seed, numRuns: runs },
    );
});

test("a key that somebody inserts while the batch is merged is found after all", async () => {
    const session = openSession(database);
    several.put("always/meanwhile.csv", "no,word,amount\n-3,a,1\n-2,a,1\n-1,a,1\n");
    let ingest: Promise<unknown> | undefined;
    await session.begin(async (theirs) => {
        await theirs`insert into always.goods (no, word, amount) values (-2, 'a', 1)`;
        ingest = several.ingestOnce();
        await whenWaiting(sql);
    });
    await ingest;
    const { counts } = await outcomeOf("always");
    expect(counts.find(({ file }) => file === "meanwhile.csv")).toMatchObject({ read: 3, inserted: 2, duplicate: 1 });
});

test("rows that are missing in staging are not taken for inserted", async () => {
    const session = openSession(database);
    await session.begin(async (merge) => {
        await merge`select ingest.prepare_merge('ingest_always')`;
        await merge`insert into ingest_always.staging (load_id, chunk_id, record_no, slice_no, no, word)
            values (1, 1, 1, 0, '-11', 'a'), (1, 1, 2, 0, '-12', 'too long')`;
        await merge`insert into batch_chunks (chunk_id, load_id, todo_slices, read) values (1, 1, 65535, 3)`;
        await merge`select ingest_always.insert_or_refuse()`;
        const [sums] =
            await merge`select sum(read)::integer as read, sum(inserted)::integer as inserted from batch_chunks`;
        expect(sums).toMatchObject({ read: 3, inserted: 1 });
        await merge`delete from rejected_records`;
        await merge`delete from always.goods where no = -11`;
        await merge`insert into batch_chunks (chunk_id, load_id, todo_slices, read) values (2, 1, 65535, 1)`;
        const [tried] = await merge`
            select ingest_always.insert_at_once(ingest_always.plan_scan(), ingest_always.facts(), 4) as is_done`;
        expect(tried).toMatchObject({ is_done: false });
        expect([...(await merge`select from always.goods where no < -10`)]).toEqual([]);
    });
});

test("after a batch that held keys of others, the next ones are not inserted at once", async () => {
    const expects = async () => {
        const [row] = await sql`
            select ingest.guesses_new_keys(streams.stream_id) as expects from ingest.streams where name = 'guessed'`;
        return row!.expects as boolean;
    };
    await sql`delete from ingest.chunk_merges using ingest.batches where chunk_merges.batch_id = batches.batch_id`;
    await sql`delete from ingest.rejects`;
    await sql`delete from ingest.batches`;
    several.put("guessed/news-1.csv", "no,word\n-21,a\n-22,a\n");
    await several.ingestOnce();
    expect(await expects()).toBe(true);
    several.put("guessed/news-2.csv", "no,word\n-22,a\n-23,a\n");
    await several.ingestOnce();
    expect(await expects()).toBe(false);
});
