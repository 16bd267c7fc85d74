/** With --max-rejects a file gets in whole or not at all. */
import { expect, test } from "bun:test";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RejectBudget } from "../../src/config/config.ts";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { header, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { type IngestOverrides, ingestConfig, ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { waitUntil } from "../support/wait-until.ts";

const good = (n: number) => `${idOf(n)},view,p,u,2024-01-01 00:00:00,,1\n`;
const bad = (n: number) => `${idOf(n)},view,,u,2024-01-01 00:00:00,,-7\n`;
const count = (most: number): RejectBudget => ({ kind: "count", most });
const ratio = (most: number): RejectBudget => ({ kind: "ratio", most });

const database = useEmptyDatabase(import.meta.path);
const inputDir = useFolder();

const put = (name: string, ...lines: string[]) => writeFile(join(inputDir, name), `${header}\n${lines.join("")}`);
const grow = (name: string, ...lines: string[]) => appendFile(join(inputDir, name), lines.join(""));
const ingest = (maxRejects: RejectBudget | null, overrides: IngestOverrides = {}) =>
    ingestFolder(database.target, inputDir, { maxRejects, ...overrides });

async function state(): Promise<unknown> {
    await expectChecksToPass(database.sql);
    const [row] = await database.sql`
        select
            (select count(*) from events) as events,
            (select count(*) from ingest.rejects) as rejects,
            (
                select string_agg(path || ' ' || state || coalesce(' ' || problem, ''), ', ' order by path, version)
                from ingest.files
            ) as files,
            (select count(*) from ingest.chunks where state <> 'merged') as open`;
    return { ...row };
}

test.each([
    ["count within", count(1), true],
    ["count above", count(0), false],
    ["ratio within", ratio(0.25), true],
    ["ratio above", ratio(0.24), false],
])("%s", async (_what, budget, isWithin) => {
    await put("a.csv", good(1), good(2), bad(3), good(4));
    await put("b.csv", good(5));
    await ingest(budget);

    expect(await state()).toEqual(
        isWithin
            ? { events: 4, rejects: 1, files: "a.csv merged, b.csv merged", open: 0 }
            : { events: 1, rejects: 0, files: "a.csv failed too_many_rejects, b.csv merged", open: 0 },
    );
});

test("the failed file tells its top reasons and shows a record", async () => {
    await put("a.csv", good(1), bad(2), "only,two\n", bad(3));
    await ingest(count(2));

    const [file] = await database.sql`select problem_detail from ingest.files`;
    expect(file!.problem_detail).toStartWith(
        "3 of 4 records would be rejected, and nothing of them got in: " +
            "2 price_negative (first in record 2), 2 product_id_missing (first in record 2), " +
            "1 too_few_fields (first in record 3). Record 2: {",
    );
});

test("a file of many chunks is judged whole before any of them merges", async () => {
    await put("a.csv", ...Array.from({ length: 200 }, (_, n) => good(n)), bad(201));
    await ingest(count(0), { maxChunkBytes: 1024 });
    expect(await state()).toEqual({ events: 0, rejects: 0, files: "a.csv failed too_many_rejects", open: 0 });

    await put("a.csv", ...Array.from({ length: 200 }, (_, n) => good(n)));
    await ingest(count(0), { maxChunkBytes: 1024 });
    expect(await state()).toMatchObject({ events: 200, rejects: 0, open: 0 });
    expect((await database.sql`select count(*) > 10 as many from ingest.chunks`)[0]).toEqual({ many: true });
});

test("a file of more records than one lane of staging takes gets in", async () => {
    await put("a.csv", ...Array.from({ length: 12_000 }, (_, n) => good(n)));
    await ingest(count(0), { maxChunkBytes: 100_000 });
    expect((await database.sql`select count(distinct lane) > 1 as several from ingest.loads`)[0]).toEqual({
        several: true,
    });
    expect(await state()).toEqual({ events: 12_000, rejects: 0, files: "a.csv merged", open: 0 });
});

test("of a growing file each addition is judged by itself, and judged again when more comes", async () => {
    await put("a.csv", good(1));
    await ingest(count(1));
    await grow("a.csv", bad(2), bad(3), good(4));
    await ingest(count(1));
    expect(await state()).toEqual({ events: 1, rejects: 0, files: "a.csv failed too_many_rejects", open: 0 });

    await ingest(count(1));
    expect(await state()).toMatchObject({ events: 1, files: "a.csv failed too_many_rejects" });

    await grow("a.csv", good(5));
    await ingest(ratio(0.5));
    expect(await state()).toEqual({ events: 3, rejects: 2, files: "a.csv merged", open: 0 });
});

test("an addition that takes up an unfinished tail is taken back to where the tail began", async () => {
    await writeFile(join(inputDir, "a.csv"), `${header}\n${good(1)}${good(2).slice(0, -1)}`);
    await ingest(count(0));
    await grow("a.csv", "1\n", bad(3));
    await ingest(count(0));
    expect(await state()).toMatchObject({ events: 2, files: "a.csv failed too_many_rejects" });

    await grow("a.csv", good(4));
    await ingest(null);
    // The tail that was taken is another record now: price 11 is in conflict with price 1.
    expect(await state()).toEqual({ events: 3, rejects: 2, files: "a.csv merged", open: 0 });
});

test("chunks that a run with a budget left held are judged by the next, or let in when there is no budget any more", async () => {
    await put("a.csv", good(1), bad(2));
    await hold();
    await ingest(null);
    expect(await state()).toEqual({ events: 1, rejects: 1, files: "a.csv merged", open: 0 });
});

test("held chunks of a file that was rewritten meanwhile are forgotten: the new version is judged", async () => {
    await put("a.csv", good(1), bad(2));
    await hold();
    await put("a.csv", good(3), good(4), good(5));
    await ingest(count(0));
    expect(await state()).toEqual({ events: 3, rejects: 0, files: "a.csv replaced rewritten, a.csv merged", open: 0 });
});

test("held chunks whose staged rows the database lost are loaded again", async () => {
    await put("a.csv", good(1), good(2));
    await hold();
    await database.sql`truncate ingest.staging`;
    await ingest(count(0));
    expect(await state()).toEqual({ events: 2, rejects: 0, files: "a.csv merged", open: 0 });
});

test("a writer that never ends a line in time does not keep whole records out", async () => {
    await writeFile(join(inputDir, "a.csv"), `${header}\n${good(1)}${good(2)}00000`);
    const events = async () => (await database.sql`select count(*)::integer as n from events`)[0]!.n;
    const running = watch(60_000);
    await waitUntil("both are in", async () => (await events()) === 2);
    await running.stop();
    expect(await events()).toBe(2);
});

/** An ingest that goes on until it is stopped, and lets no reject in. */
function watch(tailSettleMs: number): { stop(): Promise<void> } {
    const stopper = new AbortController();
    const config = ingestConfig(inputDir, { tailSettleMs, maxRejects: count(0) });
    const running = runIngest({
        streams: [eventsStream],
        target: database.target,
        config: { ...config, trigger: { kind: "continuous" } },
        log: { info() {}, warn() {}, error() {} },
        signal: stopper.signal,
    });
    return {
        async stop() {
            stopper.abort();
            await running;
        },
    };
}

/** As a run with a budget leaves a file that it had loaded when it was killed. */
async function hold(): Promise<void> {
    await database.sql.unsafe(`
        create or replace function ingest.validate_held_files(this_stream smallint, waiting_file_ids bigint[], most_rejects bigint, most_ratio double precision)
        returns table (path text, verdict text, detail text) language sql as 'select null, null, null where false'`);
    const running = watch(0);
    try {
        await waitUntil("it is loaded", async () => (await database.sql`select from ingest.chunks`).length > 0);
        await running.stop();
    } finally {
        await database.sql.unsafe(await Bun.file(join(import.meta.dir, "../../sql/engine/budget.sql")).text());
    }
    const [held] = await database.sql`select count(*) as held from ingest.chunks where state = 'held'`;
    expect(held).toEqual({ held: 1 });
}
