/** Replays of a table that Sluice found: with a key of two columns, a CHECK, a foreign key, a second unique key, defaults. */
import { beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { replayStreams } from "../../src/operations/replay-streams.ts";
import type { ReplayRequest } from "../../src/operations/run-replay.ts";
import { readStreams } from "../../src/operations/streams/read-streams.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const folder = useFolder();

const ddl = `
    drop schema if exists sales cascade;
    create schema sales;
    create table sales.customers (id bigint primary key);
    insert into sales.customers select generate_series(1, 9);
    create table sales.lines (
        order_id bigint,
        "Line" integer,
        customer_id bigint not null references sales.customers,
        total numeric(10, 2) not null constraint total_positive check (total >= 0),
        ratio integer constraint ratio_small check (100 / ratio > 1),
        scan integer constraint scan_once unique,
        note text default 'none',
        primary key (order_id, "Line")
    )`;
const header = "order_id,line,customer_id,total,ratio,scan,note";

beforeEach(async () => {
    await sql.unsafe(ddl);
});

async function ingest(...records: string[]): Promise<void> {
    writeFileSync(join(folder, `${Bun.hash(records.join())}.csv`), [header, ...records, ""].join("\n"));
    const stream = await applyStream(database.target, streamOfTable("sales.lines"));
    await ingestFolder(database.target, folder, {}, stream);
}

async function replay(request: ReplayRequest = {}) {
    const summary = await replayStreams(sql, await readStreams(sql), request);
    await expectChecksToPass(sql);
    const { streams: _, ...total } = summary;
    return total;
}

const stored = async () =>
    (await sql`select order_id, "Line", total, scan, note from sales.lines order by 1, 2`).map((row) =>
        Object.values(row).join(),
    );
const edit = (recordNo: number, change: object) => sql`
    update ingest.rejects
    set record = coalesce(record, '{}') || ${JSON.stringify(change)}::text::jsonb
    where record_no = ${recordNo} and resolved_by_batch is null`;

test("a rejected record that was edited gets in once, and what would end as before is left alone", async () => {
    await ingest(
        "1,1,1,10,50,1,hello",
        "1,2,1,-1,50,,",
        "1,3,77,5,50,,",
        "1,4,1,5,0,,",
        "1,5,1,5,99,,",
        "1,6,1,5,,1,",
        "x,7,1,5,,,",
        "1,8,1,5,",
    );
    expect(await stored()).toEqual(["1,1,10.00,1,hello"]);
    expect(await replay()).toMatchObject({ batches: 0, read: 0, unchanged: 6, unsplittable: 1 });

    await edit(2, { total: "1" });
    await edit(3, { customer_id: " 2 " });
    await edit(4, { ratio: "25" });
    await edit(5, { ratio: "98" });
    await edit(6, { scan: "2" });
    await edit(7, { order_id: "2" });
    await edit(8, { order_id: "1", Line: "8", customer_id: "1", total: "5" });
    expect(await replay({ dryRun: true })).toMatchObject({ read: 6, inserted: 6, unchanged: 1 });
    expect(await stored()).toHaveLength(1);
    expect(await replay()).toMatchObject({ batches: 1, read: 6, inserted: 6, unchanged: 1, unsplittable: 0 });
    expect(await stored()).toEqual([
        "1,1,10.00,1,hello",
        "1,2,1.00,,none",
        "1,3,5.00,,none",
        "1,4,5.00,,none",
        "1,6,5.00,2,none",
        "1,8,5.00,,none",
        "2,7,5.00,,none",
    ]);
    expect(await replay()).toMatchObject({ batches: 0, unchanged: 1 });
});

test("--reason, --file and --stream choose; the built-in stream's rejects are none of theirs", async () => {
    await ingest("1,1,1,-1,,,", "1,2,77,5,,,");
    await edit(1, { total: "1" });
    await edit(2, { customer_id: "1" });
    const [lines] = (await readStreams(sql)).filter(({ name }) => name === "lines");
    expect(await replay({ reason: "total_positive", file: "other.csv" })).toMatchObject({ read: 0, unchanged: 0 });
    expect((await replayStreams(sql, [{ streamId: 0, name: "events" }], {})).unchanged).toBe(0);
    expect(await replay({ reason: "total_positive" })).toMatchObject({ read: 1, inserted: 1 });
    expect((await replayStreams(sql, [lines!], {})).inserted).toBe(1);
});

test("an accepted conflict takes the row's place; the row is kept, and can be brought back", async () => {
    await ingest("1,1,1,10,,1,old", "1,2,1,20,,2,");
    await ingest("1,1,1,11,,1,new", "1,2,1,21,,1,", "1,2,1,22,,3,");
    expect(await replay()).toMatchObject({ batches: 0, unchanged: 3 });
    expect(await replay({ acceptConflicts: true, dryRun: true })).toMatchObject({ displaced: 2 });
    expect(await stored()).toEqual(["1,1,10.00,1,old", "1,2,20.00,2,none"]);

    expect(await replay({ acceptConflicts: true })).toMatchObject({ read: 3, displaced: 2, refused: 0 });
    expect(await stored()).toEqual(["1,1,11.00,1,new", "1,2,22.00,3,none"]);
    const displaced = await sql<{ rejectId: number; note: string | null; total: string }[]>`
        select reject_id as "rejectId", record ->> 'note' as note, record ->> 'total' as total
        from ingest.rejects
        where resolution = 'displaced' and batch_id = resolved_by_batch
        order by total`;
    // The rows that were, and the record that another one of its key outdid.
    expect(displaced.map(({ note, total }) => [note, total])).toEqual([
        ["old", "10.00"],
        ["none", "20.00"],
        [null, "21"],
    ]);
    expect(await replay({ acceptConflicts: true })).toMatchObject({ batches: 0 });

    await sql`select ingest.reopen_reject(${displaced[0]!.rejectId})`;
    expect(await replay({ acceptConflicts: true })).toMatchObject({ read: 1, displaced: 1 });
    expect(await stored()).toEqual(["1,1,10.00,1,old", "1,2,22.00,3,none"]);
    const [kept] = await sql`select record ->> 'note' as note from ingest.rejects order by reject_id desc limit 1`;
    expect(kept).toEqual({ note: "new" });
});

test("the displaced row of a conflict whose record the table refuses stays, and says why", async () => {
    await ingest("1,1,1,10,,1,", "1,2,1,20,,2,");
    await ingest("1,1,1,11,,2,", "1,2,1,21,,2,");
    expect(await replay({ acceptConflicts: true })).toMatchObject({ read: 2, inserted: 1, conflict: 1, refused: 1 });
    expect(await stored()).toEqual(["1,1,10.00,1,none", "1,2,21.00,2,none"]);
    const [refused] = await sql`
        select refusal ->> 'constraint' as constraint from ingest.rejects where refusal is not null and resolved_by_batch is null`;
    expect(refused).toEqual({ constraint: "scan_once" });
    expect(await replay({ acceptConflicts: true })).toMatchObject({ batches: 0, unchanged: 1 });
});
