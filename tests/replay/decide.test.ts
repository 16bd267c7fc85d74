/** Conflicts and rejects that a person decides: beside the stored row, edited, previewed, accepted; by one filter everywhere. */
import { beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { sqlStateOf } from "../../src/database/sql-states.ts";
import { findColumnFault } from "../../src/operations/rejects/column-fault.ts";
import { editReject, editRejects } from "../../src/operations/rejects/edit-rejects.ts";
import type { RejectBeside } from "../../src/operations/rejects/field-schema.ts";
import { countChosen, type RejectFilter } from "../../src/operations/rejects/reject-filter.ts";
import { type ReplayRequest, runReplay } from "../../src/operations/run-replay.ts";
import { readStreams } from "../../src/operations/streams/read-streams.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { header as eventHeader, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { runsOf } from "../support/sample.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const folder = useFolder();

const ddl = `
    create extension if not exists citext;
    drop schema if exists sales cascade;
    create schema sales;
    create table sales.lines (
        order_id bigint,
        "Line" citext,
        total numeric(10, 2) constraint total_positive check (total >= 0),
        name citext,
        extra jsonb,
        plain json,
        due timestamptz,
        note text default 'none',
        primary key (order_id, "Line")
    )`;
const header = "order_id,Line,total,name,extra,plain,due,note";
const columns = ["total", "name", "extra", "plain", "due", "note"];

beforeEach(async () => {
    await sql.unsafe(ddl);
});

async function drop(records: readonly string[], head = header): Promise<void> {
    writeFileSync(join(folder, `${Bun.hash(records.join("\n"))}.csv`), [head, ...records, ""].join("\n"));
    if (head.startsWith(eventHeader)) return void (await ingestFolder(database.target, folder));
    const stream = await applyStream(database.target, streamOfTable("sales.lines"));
    await ingestFolder(database.target, folder, {}, stream);
}

const streamId = async () => (await readStreams(sql)).find(({ name }) => name === "lines")!.streamId;
const replay = async (request: ReplayRequest = {}) => await runReplay(sql, { streamId: await streamId(), ...request });
const beside = async (rejectId: number): Promise<RejectBeside> => {
    const [row] = await sql<{ beside: string }[]>`select ingest.describe_reject(${rejectId})::text as beside`;
    return JSON.parse(row!.beside);
};
const openIds = async () =>
    (
        await sql<{ id: number }[]>`
            select reject_id as id from ingest.rejects where resolved_by_batch is null order by reject_id`
    ).map(({ id }) => id);
const differing = ({ fields }: RejectBeside) => fields.filter(({ differs }) => differs).map(({ column }) => column);
const count = async (filter: RejectFilter) => {
    const { splittable, unsplittable } = await countChosen(sql, { streamId: await streamId(), ...filter });
    return splittable + unsplittable;
};

/** Everything that a preview must leave as it was. */
async function wholeState(): Promise<string> {
    const [row] = await sql<{ state: string }[]>`
        select jsonb_build_array(
            (select jsonb_agg(to_jsonb(lines) order by order_id, "Line") from sales.lines),
            (select jsonb_agg(to_jsonb(events) order by event_id) from events),
            (select jsonb_agg(to_jsonb(rejects) order by reject_id) from ingest.rejects),
            (select jsonb_agg(to_jsonb(batches) order by batch_id) from ingest.batches),
            (select jsonb_agg(to_jsonb(totals) order by stream_id) from ingest.totals),
            (select jsonb_agg(to_jsonb(reject_stats) order by reject_stats) from ingest.reject_stats)
        )::text as state`;
    return row!.state;
}

describe("beside the stored row", () => {
    test("the columns that differ are those by which the merge calls it a conflict, one by one", async () => {
        const stored = `1,a,10.00,Ann,"{""a"": 1, ""b"": 2}","{""a"":1}",2026-01-31T07:00:00Z,hello`;
        await drop([stored]);
        const variants: [value: string, index: number][] = [
            ["10", 2],
            ["10.01", 2],
            ["", 2],
            ["ANN", 3],
            ["Bob", 3],
            [`"{""b"":2,""a"":1.0}"`, 4],
            [`"{""a"": 1}"`, 4],
            [`"{""a"": 1}"`, 5],
            [`"{""a"":1}"`, 5],
            ["2026-01-31T08:00:00+01:00", 6],
            ["2026-01-31T07:00:01Z", 6],
            ["", 7],
            ["Hello", 7],
        ];
        for (const [value, index] of variants) {
            const before = await openIds();
            const fields = [...stored.matchAll(/"(?:[^"]|"")*"|[^,]+/g)].map(([field]) => field);
            fields[1] = "A";
            fields[index] = value;
            await drop([fields.join(",")]);
            const added = (await openIds()).filter((id) => !before.includes(id));
            const [verdict] = await sql<{ differs: string }[]>`
                select ingest_lines.compare_record(${JSON.stringify(
                    Object.fromEntries(header.split(",").map((name, at) => [name, unquoted(fields[at]!)] as const)),
                )}::text::jsonb) ->> 'differs' as differs`;
            const expected = added.length === 0 ? [] : [columns[index - 2]];
            expect([value, JSON.parse(verdict!.differs)]).toEqual([value, expected]);
            for (const id of added) expect(differing(await beside(id))).toEqual(expected as string[]);
        }
    });

    test("says when the row is gone, is equal by now, or was replaced since", async () => {
        await drop(["1,a,10,,,,,", "2,a,10,,,,,", "3,a,10,,,,,"]);
        await drop(["1,a,11,,,,,", "2,a,11,,,,,", "3,a,11,,,,,"]);
        await drop(["3,A,12,,,,,"]);
        const [gone, equal, replaced, other] = await openIds();
        expect((await beside(gone!)).row).toBe("differs");
        await sql`delete from sales.lines where order_id = 1`;
        await sql`update sales.lines set total = 11 where order_id = 2`;
        const { samples } = await replay({ ids: [other!], acceptConflicts: true });
        expect(samples[0]).toMatchObject({ rejectId: other, outcome: "accepted" });
        const [batch] = await sql<{ id: number }[]>`select max(batch_id) as id from ingest.batches`;

        expect(await beside(gone!)).toMatchObject({ row: "gone", storedHash: null, replacedByBatch: null });
        expect(await beside(equal!)).toMatchObject({ row: "equal", replacedByBatch: null });
        expect(await beside(replaced!)).toMatchObject({ row: "differs", replacedByBatch: batch!.id });
        const total = (await beside(replaced!)).fields.find(({ column }) => column === "total");
        expect(total).toMatchObject({ stored: "12.00", arriving: "11", differs: true });
    });

    test("an event differs in its attributes by name, also in one that only one of them has", async () => {
        const head = `${eventHeader},colour,size`;
        await drop([`${idOf(1)},view,p,u,2024-01-01 00:00:00,1,1,red`], head.replace(/,size$/, ""));
        writeFileSync(
            join(folder, "b.csv"),
            `${head}\n${idOf(1).toUpperCase()},view,p,u,2024-01-01 00:00:00,1,1.0,blue,9\n`,
        );
        await ingestFolder(database.target, folder);
        const [id] = await openIds();
        const found = await beside(id!);
        expect(found.row).toBe("differs");
        expect(differing(found)).toEqual(["colour", "size"]);
        expect(found.fields.at(-1)).toMatchObject({ column: "size", stored: null, arriving: "9" });
    });

    test("a table that has changed since is said to be unreadable", async () => {
        await drop(["1,a,10,,,,,"]);
        await drop(["1,a,11,,,,,"]);
        const [id] = await openIds();
        await sql`alter table sales.lines rename column total to sum`;
        expect((await beside(id!)).row).toBe("unreadable");
    });
});

test("one filter chooses: by id, kind, reason, file, column, text, and time", async () => {
    await drop(["1,a,10,Ann,,,,", "2,a,-1,Ännchen,,,,", "x,a,nine,,,,,", "3,b"]);
    await drop(["1,a,11,Ann,,,,", "1,a,10,Bob,,,,50%"]);
    const found = (name: string, streams: Awaited<ReturnType<typeof readStreams>>) => {
        const fault = findColumnFault(name, streams, eventsStream);
        if ("problem" in fault) throw new Error(fault.problem);
        return fault.column;
    };
    const streams = await readStreams(sql);
    const [first] = await openIds();
    const [file] = await sql<{ path: string; id: number }[]>`
        select path, file_id as id from ingest.files order by file_id desc limit 1`;
    expect(await count({})).toBe(5);
    expect(await count({ ids: [first!, 999_999] })).toBe(1);
    expect(await count({ kind: "conflict" })).toBe(2);
    expect(await count({ reason: "total_invalid" })).toBe(1);
    expect([await count({ file: file!.path }), await count({ file: String(file!.id) })]).toEqual([2, 2]);
    // A CHECK over the column, its own rule, and a conflict that differs in it.
    expect(await count({ column: found("total", streams) })).toBe(3);
    expect(await count({ column: found("name", streams) })).toBe(1);
    expect([
        await count({ contains: "ÄNN" }),
        await count({ contains: "0%" }),
        await count({ contains: "3,b" }),
    ]).toEqual([1, 1, 1]);
    expect(await count({ contains: "_" })).toBe(0);
    expect([await count({ from: "2999-01-01" }), await count({ to: "2999-01-01" })]).toEqual([0, 5]);
    expect(findColumnFault("totl", streams, eventsStream)).toEqual({ problem: "Unknown column. Did you mean total?" });
});

describe("a preview", () => {
    test("tells what would be inserted, replaced and what remains, and leaves nothing behind", async () => {
        await drop(["1,a,10,,,,,", "2,a,-1,,,,,", "3,a,-1,,,,,x"]);
        await drop(["1,A,11,Ann,,,,"]);
        const [second] = await openIds();
        await editReject(sql, second!, { total: "1" });
        const before = await wholeState();
        const summary = await replay({ dryRun: true, acceptConflicts: true });
        expect(summary).toMatchObject({ inserted: 2, displaced: 1, unchanged: 1, read: 2 });
        expect(summary.remaining).toEqual([{ reason: "total_positive", records: 1 }]);
        expect(summary.samples).toHaveLength(1);
        const { fields, outcome } = summary.samples[0]!;
        expect([outcome, fields.filter(({ differs }) => differs).map(({ column }) => column)]).toEqual([
            "accepted",
            ["total", "name"],
        ]);
        expect(await wholeState()).toBe(before);
        expect(await replay({ acceptConflicts: true })).toMatchObject({ inserted: 2, displaced: 1, unchanged: 1 });
        await expectChecksToPass(sql);
    });

    test("of an edit tells which reasons remain, also where the table has the last word", async () => {
        await drop(["1,a,10,,,,,", '2,a,nine,,"{",,,']);
        const [id] = await openIds();
        const before = await wholeState();
        const tried = async (change: Record<string, string | null>) => {
            const { samples } = await replay({ ids: [id!], tried: change, dryRun: true });
            return [samples[0]!.outcome, samples[0]!.reasons];
        };
        expect(await tried({ total: "9" })).toEqual(["rejected", ["extra_invalid"]]);
        expect(await tried({ total: "-9", extra: "{}" })).toEqual(["rejected", ["total_positive"]]);
        expect(await tried({ total: "9", extra: null })).toEqual(["inserted", []]);
        expect(await tried({ total: "9", extra: "", order_id: "1" })).toEqual(["conflict", ["order_id_Line_conflict"]]);
        expect(await tried({ total: "10.0", extra: "", order_id: "1" })).toEqual(["duplicate", []]);
        expect(await tried({ name: "x" })).toEqual(["unchanged", ["total_invalid", "extra_invalid"]]);
        expect(await wholeState()).toBe(before);
    });

    test("of values for a line that could not be split", async () => {
        await drop(["1,a"]);
        const [id] = await openIds();
        const { samples } = await replay({ ids: [id!], tried: { order_id: "1", Line: "a" }, dryRun: true });
        expect(samples[0]).toMatchObject({ outcome: "inserted" });
        expect(await editReject(sql, id!, { order_id: "1", Line: "a" })).toMatchObject({ edited: 1 });
        expect(await replay()).toMatchObject({ inserted: 1, unsplittable: 0 });
    });
});

describe("an edit", () => {
    test("keeps what the file said, through a second one, and is refused once a replay has resolved it", async () => {
        await drop(["1,a,nine,,,,,"]);
        const [id] = await openIds();
        await editReject(sql, id!, { total: "8" });
        await editReject(sql, id!, { total: "9" });
        const [kept] = await sql`
            select record ->> 'total' as total, original_record ->> 'total' as original from ingest.rejects`;
        expect(kept).toEqual({ total: "9", original: "nine" });
        expect(await editReject(sql, id!, { total: "9" })).toMatchObject({ edited: 0, unchanged: 1 });
        await replay();
        expect(await editReject(sql, id!, { total: "7" })).toMatchObject({ edited: 0, resolved: 1 });
        await expectChecksToPass(sql);
    });

    test("of all that a filter chooses sets one column, in pages, and leaves what somebody else is changing", async () => {
        const records = Array.from({ length: 30 }, (_, n) => `${n},a,${n % 2 === 0 ? "nine" : "-1"},,,,,`);
        await drop(records);
        const filter = { streamId: await streamId(), reason: "total_invalid" };
        const [id] = await openIds();
        await sql.begin(async (transaction) => {
            await transaction`select from ingest.rejects where reject_id = ${id!} for update`;
            expect(await editRejects(sql, filter, { total: "9" })).toEqual({
                edited: 14,
                unchanged: 0,
                busy: 1,
                resolved: 0,
            });
        });
        expect(await replay({ reason: "total_invalid" })).toMatchObject({ inserted: 14, unchanged: 1 });
    });

    test("should fail for what is no text, and for a reject that somebody has edited since it was seen", async () => {
        await drop(["1,a,nine,,,,,"]);
        const [id] = await openIds();
        const raw = (json: string) =>
            sql`select ingest.edit_rejects(${[id!]}::bigint[], ${json}::text::jsonb)`.catch(sqlStateOf);
        expect([await raw('{"total": 9}'), await raw("[]"), await raw("{}")]).toEqual(["SL004", "SL004", "SL004"]);
        await editReject(sql, id!, { total: "8" }, null);
        expect(await editReject(sql, id!, { total: "7" }, null).catch(sqlStateOf as never)).toBe("SL008" as never);
    });
});

test("should fail to accept a conflict whose stored row is not the one that was seen", async () => {
    await drop(["1,a,10,,,,,"]);
    await drop(["1,a,11,,,,,"]);
    const [id] = await openIds();
    const { storedHash } = await beside(id!);
    await sql`update sales.lines set total = 12`;
    const accept = (seen: ReplayRequest["seen"]) => replay({ ids: [id!], acceptConflicts: true, seen });
    expect(await accept({ storedHash }).catch(sqlStateOf as never)).toBe("SL008" as never);
    const now = await beside(id!);
    expect(await accept({ storedHash: now.storedHash, editedAt: null })).toMatchObject({ displaced: 1 });
});

test("of several who accept the same conflicts at once, each is accepted by one, and the others are told", async () => {
    await drop(Array.from({ length: 50 }, (_, n) => `${n},a,1,,,,,`));
    await drop(Array.from({ length: 50 }, (_, n) => `${n},a,2,,,,,`));
    const answers = await Promise.all([1, 2, 3].map(() => replay({ acceptConflicts: true })));
    expect(answers.reduce((sum, { displaced }) => sum + displaced, 0)).toBe(50);
    for (const { displaced, busy, unchanged, read } of answers) {
        // Each row is locked by one of them; the others count it as busy, or find it resolved.
        expect(displaced).toBe(read);
        expect(read + busy + unchanged).toBeLessThanOrEqual(50);
    }
    await expectChecksToPass(sql);
});

type Step =
    | { name: "drop"; lines: [key: number, total: string, name: string][] }
    | { name: "edit"; pick: number; column: "total" | "name" | "order_id"; value: string }
    | { name: "bulk"; reason: string; value: string }
    | { name: "replay"; pick: number | null; accepts: boolean };

const values = fc.constantFrom("", "1", "2.5", "-1", "nine");
const names = fc.constantFrom("", "Ann", "ANN", "Bob");
const steps: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
        name: fc.constant("drop" as const),
        lines: fc.array(fc.tuple(fc.nat(3), values, names), { minLength: 1, maxLength: 6 }),
    }),
    fc.record({
        name: fc.constant("edit" as const),
        pick: fc.nat(20),
        column: fc.constantFrom("total", "name", "order_id"),
        value: fc.oneof(values, names, fc.constantFrom("1", "2", "7")),
    }),
    fc.record({
        name: fc.constant("bulk" as const),
        reason: fc.constantFrom("total_invalid", "total_positive"),
        value: values,
    }),
    fc.record({ name: fc.constant("replay" as const), pick: fc.option(fc.nat(20)), accepts: fc.boolean() }),
);

test("after any sequence of deliveries, edits, previews and replays the checks hold, and a preview was the truth", async () => {
    await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 10 }), async (sequence) => {
            await sql.unsafe(ddl);
            await sql`select ingest.reset()`;
            await drop([`0,a,1,,,,,${crypto.randomUUID()}`, "1,a,-1,,,,,"]);
            for (const step of sequence) await take(step);
            await expectChecksToPass(sql);
        }),
        { numRuns: runsOf(12, 4) },
    );
}, 240_000);

async function take(step: Step): Promise<void> {
    const ids = await openIds();
    const picked = "pick" in step && step.pick !== null && ids.length > 0 ? ids[step.pick % ids.length]! : null;
    if (step.name === "drop") {
        const mark = crypto.randomUUID();
        const lines = step.lines.map(([key, total, name]) => `${key},A,${total},${name},,,,`);
        await drop([...lines, `9${Bun.hash(mark) % 100_000n},a,1,,,,,${mark}`]);
    } else if (step.name === "edit" && picked !== null) {
        await editReject(sql, picked, { [step.column]: step.value });
    } else if (step.name === "bulk") {
        await editRejects(sql, { streamId: await streamId(), reason: step.reason }, { total: step.value });
    } else if (step.name === "replay") {
        const request = { acceptConflicts: step.accepts, ...(picked !== null && { ids: [picked] }) };
        const before = await wholeState();
        const preview = await replay({ ...request, dryRun: true });
        expect(await wholeState()).toBe(before);
        expect({ ...(await replay(request)), dryRun: true }).toEqual(preview);
    }
}

const unquoted = (field: string) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
