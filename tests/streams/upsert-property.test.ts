/** Upserts of random records end as the model says, whatever the batches, the workers and the connections that are cut. */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { IngestConfig } from "../../src/config/config.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { runsOf } from "../support/sample.ts";
import { declare, useSeveralStreams } from "./several-streams.ts";
import { interpret, type ModelMode, type ModelRecord, refusedWord } from "./upsert-model.ts";

setDefaultTimeout(300_000);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

const modes: Record<string, ModelMode & { keepsHistory: boolean }> = {
    versioned: { byVersion: true, deletes: false, keepsHistory: false },
    ordered: { byVersion: false, deletes: false, keepsHistory: true },
    versioned_deleting: { byVersion: true, deletes: true, keepsHistory: true },
    ordered_deleting: { byVersion: false, deletes: true, keepsHistory: false },
};

const makeTables = async () => {
    for (const name of Object.keys(modes)) {
        await sql.unsafe(`
            drop table if exists ${name} cascade;
            create table ${name} (
                id bigint primary key, version numeric not null, word text check (word <> '${refusedWord}'), gone boolean
            )`);
    }
};
beforeEach(makeTables);
const several = useSeveralStreams(database, () =>
    Object.entries(modes).map(([name, { byVersion, deletes, keepsHistory }]) => ({
        ...declare(name, `${name}-*.csv`),
        mode: {
            name: "upsert" as const,
            version: byVersion ? "version" : null,
            deleteWhen: deletes ? "gone" : null,
            keepsHistory,
        },
    })),
);

const record: fc.Arbitrary<ModelRecord> = fc
    .record({
        id: fc.oneof(
            { weight: 8, arbitrary: fc.integer({ min: 1, max: 6 }) },
            { weight: 8, arbitrary: fc.integer({ min: 1, max: 60 }) },
            { weight: 1, arbitrary: fc.constant(null) },
        ),
        version: fc.oneof(
            { weight: 15, arbitrary: fc.integer({ min: 0, max: 5 }) },
            { weight: 1, arbitrary: fc.constant(null) },
        ),
        word: fc.constantFrom("a", "a", "b", "", refusedWord),
        gone: fc.constantFrom(null, false, false, true),
    })
    .map((one) => ({ ...one, word: one.word === "" ? null : one.word }));

const lineOf = ({ id, version, word, gone }: ModelRecord) =>
    [id ?? "", version ?? "", word ?? "", gone === null ? "" : gone ? "t" : "f"].join(",");

interface Run {
    /** By round, the files that arrive together. */
    rounds: ModelRecord[][][];
    config: Partial<IngestConfig>;
    cuts: boolean;
}

const run: fc.Arbitrary<Run> = fc.record({
    rounds: fc.array(fc.array(fc.array(record, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 2,
    }),
    config: fc.record({
        mergeWorkers: fc.constantFrom(1, 2, 4),
        maxBatchRecords: fc.constantFrom(1, 10, 500_000),
        maxChunkBytes: fc.constantFrom(30, 100, 1_000_000),
    }),
    cuts: fc.boolean(),
});

/** While the ingest runs, ends what merges, a few times. */
async function cutMerges(isDone: () => boolean): Promise<void> {
    for (let cuts = 0; cuts < 3 && !isDone(); ) {
        await Bun.sleep(30);
        const cut = await sql`
            select pg_terminate_backend(pid)
            from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query like '%merge_batch%' and state = 'active'
            limit 1`;
        cuts += cut.length;
    }
}

async function expectModel(name: string, mode: ModelMode, records: ModelRecord[]): Promise<void> {
    const expected = interpret(records, mode);
    const rows = await sql.unsafe<{ id: number; version: number; word: string | null; gone: boolean | null }[]>(
        `select id::int, version::int, word, gone from ${name} order by id`,
    );
    const expectedRows = [...expected.rows].map(([id, row]) => ({ id, ...row })).sort((a, b) => a.id - b.id);
    const [counts] = await sql<Record<string, number>[]>`
        select
            coalesce(sum(read), 0)::int as read, coalesce(sum(duplicate), 0)::int as duplicate,
            coalesce(sum(conflict), 0)::int as conflict, coalesce(sum(rejected), 0)::int as rejected,
            coalesce(sum(inserted - deleted), 0)::int as rows,
            coalesce(sum(inserted + updated + superseded + deleted), 0)::int as changes
        from ingest.batches inner join ingest.streams using (stream_id)
        where streams.name = ${name}`;
    const rejects = await sql<{ path: string; recordNo: number; kind: string }[]>`
        select files.path, rejects.record_no::int as "recordNo", rejects.kind
        from ingest.rejects
        inner join ingest.streams using (stream_id)
        inner join ingest.chunks using (chunk_id)
        inner join ingest.files on files.file_id = chunks.file_id
        where streams.name = ${name}
        order by files.path collate "C", rejects.record_no`;
    const kept = expected.each.filter((outcome) => outcome === "conflict" || outcome === "rejected");
    expect({ name, rows: [...rows], counts, rejects: rejects.map(({ kind }) => kind) }).toEqual({
        ...{ name, rows: expectedRows, counts: expected.counts, rejects: kept },
    });
    if (!mode.deletes) {
        const [sums] = await sql`
            select coalesce(sum(deleted), 0)::int as deleted, coalesce(sum(inserted), 0)::int as inserted
            from ingest.batches inner join ingest.streams using (stream_id) where streams.name = ${name}`;
        expect({ ...sums }).toEqual({ deleted: 0, inserted: expected.rows.size });
    }
}

async function follow({ rounds, config, cuts }: Run): Promise<void> {
    await makeTables();
    for (const name of Object.keys(modes)) {
        await sql`select ingest.forget_stream(stream_id) from ingest.streams where name = ${name}`;
    }
    await several.startAgain();
    let fileNo = 0;
    for (const files of rounds) {
        for (const records of files) {
            fileNo += 1;
            for (const name of Object.keys(modes)) {
                const lines = ["id,version,word,gone", ...records.map(lineOf)];
                several.put(`${name}-${String(fileNo).padStart(3, "0")}.csv`, `${lines.join("\n")}\n`);
            }
        }
        let isDone = false;
        const cutting = cuts ? cutMerges(() => isDone) : null;
        await several.ingestOnce({}, config).finally(() => {
            isDone = true;
        });
        await cutting;
    }
    for (const [name, mode] of Object.entries(modes)) await expectModel(name, mode, rounds.flat(2));
    await expectChecksToPass(sql);
}

test("a table and the sums that must not depend on batches are what the model says", async () => {
    const numRuns = Number(process.env.UPSERT_RUNS ?? runsOf(4, 2));
    const seed = process.env.UPSERT_SEED === undefined ? {} : { seed: Number(process.env.UPSERT_SEED) };
    await fc.assert(fc.asyncProperty(run, follow), { numRuns, ...seed, endOnFailure: numRuns > 10 });
});
