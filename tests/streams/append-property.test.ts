/**
 * Random files that grow, end in the middle of a record and are rewritten end as the model says, whatever the batches, the workers and
 * the connections that are cut.
 */
import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { IngestConfig } from "../../src/config/config.ts";
import { appendTo, makeReadings, readReadings, readSums } from "../support/append.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { runsOf } from "../support/sample.ts";
import { createAppendModel } from "./append-model.ts";
import { useSeveralStreams } from "./several-streams.ts";

setDefaultTimeout(300_000);

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;

/** By the table's name: whether a rewritten file is read again. */
const streams = { strict: false, again: true };
const names = Object.keys(streams) as (keyof typeof streams)[];

const makeTables = async () => {
    for (const name of names) await makeReadings(sql, name);
};
beforeEach(makeTables);
const several = useSeveralStreams(database, () =>
    names.map((name) => {
        const stream = appendTo(`public.${name}`, { rewritten: streams[name] ? "again" : "refuse" });
        return { ...stream, files: `${name}-*.csv`, source: { ...stream.source, match: `${name}-*.csv` } };
    }),
);

const line = fc
    .record({
        meter: fc.constantFrom("1", "1", "2", "34", "", "x"),
        word: fc.constantFrom("a", "b", "", "bad", '"q, r"', "three,fields"),
    })
    .map(({ meter, word }) => `${meter},${word}`);
const lines = fc.array(line, { minLength: 1, maxLength: 12 }).map((all) => all.map((one) => `${one}\n`).join(""));
/** What is added to a file: whole lines, a piece of a line that may go on, or the end of one. */
const piece = fc.oneof(
    { weight: 4, arbitrary: lines },
    {
        weight: 2,
        arbitrary: fc.tuple(lines, fc.constantFrom("1,a", "12", "3,", "ba")).map(([all, rest]) => all + rest),
    },
    { weight: 2, arbitrary: fc.constant("\n") },
    { weight: 1, arbitrary: lines.map((all) => `\r\n${all}`) },
);

interface Step {
    file: number;
    /** Whether the file is written anew, if it is there, with this for its content; else it grows by it. */
    isRewrite: boolean;
    /** Whether a growing file is put in place of the old one. */
    isMoved: boolean;
    /** A copy of the file, as it is, comes under another name; nothing else happens to it in this round. */
    isCopied: boolean;
    text: string;
}

interface Run {
    rounds: Step[][];
    config: Partial<IngestConfig>;
    cuts: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
    file: fc.integer({ min: 1, max: 4 }),
    isRewrite: fc.integer({ min: 0, max: 7 }).map((drawn) => drawn === 0),
    isMoved: fc.boolean(),
    isCopied: fc.integer({ min: 0, max: 5 }).map((drawn) => drawn === 0),
    text: piece,
});

const run: fc.Arbitrary<Run> = fc.record({
    rounds: fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    config: fc.record({
        mergeWorkers: fc.constantFrom(1, 2, 4),
        maxBatchRecords: fc.constantFrom(1, 10, 500_000),
        maxChunkBytes: fc.constantFrom(20, 60, 1_000_000),
    }),
    cuts: fc.boolean(),
});

/** While the ingest runs, ends what merges or copies, a few times. */
async function cutSessions(isDone: () => boolean): Promise<void> {
    for (let cuts = 0; cuts < 4 && !isDone(); ) {
        await Bun.sleep(20);
        const cut = await sql`
            select pg_terminate_backend(pid)
            from pg_stat_activity
            where
                datname = current_database()
                and pid <> pg_backend_pid()
                and (query like '%merge_batch%' or query like 'copy %')
                and state = 'active'
            limit 1`;
        cuts += cut.length;
    }
}

async function follow({ rounds, config, cuts }: Run): Promise<void> {
    await makeTables();
    for (const name of names) {
        await sql`select ingest.forget_stream(stream_id) from ingest.streams where name = ${name}`;
    }
    await several.startAgain();
    const models = Object.fromEntries(names.map((name) => [name, createAppendModel(streams[name])]));
    const texts = new Map<string, string>();
    let contents = 0;
    for (const steps of rounds) {
        const changed = new Set<number>();
        const copied = new Set<number>();
        for (const { file, isRewrite, isMoved, isCopied, text } of steps) {
            const isNew = !texts.has(`${file}`);
            if (copied.has(file)) continue;
            if (isCopied && !isNew && !changed.has(file)) {
                copied.add(file);
                const copy = `copy${texts.size}`;
                texts.set(copy, texts.get(`${file}`)!);
                for (const name of names) several.put(`${name}-${copy}.csv`, texts.get(copy)!);
                continue;
            }
            changed.add(file);
            // No two contents are the same: a copy would be skipped.
            const before = isNew || isRewrite ? `meter,word\n${1000 + contents++},first\n` : texts.get(`${file}`)!;
            texts.set(`${file}`, before + text);
            for (const name of names) {
                const path = `${name}-${file}.csv`;
                if (isNew || isRewrite || isMoved) several.put(path, before + text);
                else appendFileSync(join(several.inputDir, path), text);
            }
        }
        for (const name of names) models[name]!.look(texts);
        let isDone = false;
        const cutting = cuts ? cutSessions(() => isDone) : null;
        await several.ingestOnce({}, config).finally(() => {
            isDone = true;
        });
        await cutting;
        for (const name of names) {
            const { rows, counts, failed } = models[name]!.state();
            const files = (await several.files()).filter(({ stream }) => stream === name);
            const refused = files
                .filter(({ state }) => state === "failed")
                .map(({ path }) => path.slice(name.length + 1, -4));
            expect({
                name,
                rows: (await readReadings(sql, name)).sort(),
                counts: await readSums(sql, name),
                refused,
            }).toEqual({
                ...{ name, rows, counts, refused: failed },
            });
        }
    }
    await expectChecksToPass(sql);
}

test("the rows, the sums and the files that are refused are what the model says", async () => {
    const numRuns = Number(process.env.APPEND_RUNS ?? runsOf(6, 3));
    const seed = process.env.APPEND_SEED === undefined ? {} : { seed: Number(process.env.APPEND_SEED) };
    await fc.assert(fc.asyncProperty(run, follow), { numRuns, ...seed, endOnFailure: numRuns > 10 });
});
