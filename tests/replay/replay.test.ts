/** Rejects judged again: promise 3 (nothing lost, a reject is found by SQL for ever), 1, 2 and 4 hold for replays too. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { sqlStateOf } from "../../src/database/sql-states.ts";
import { type ReplayRequest, runReplay } from "../../src/operations/run-replay.ts";
import { noRecords } from "../../src/terminal/record-counts.ts";
import { header, idOf, useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { whenWaiting } from "../support/sessions.ts";

const nothing = { ...noRecords(), displaced: 0, refused: 0 };

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const inputDir = useFolder();
beforeEach(async () => {
    await sql`delete from ingest.event_types where event_type = 'wish'`;
});
afterEach(() => expectChecksToPass(sql));

/** Rejected while its type is not known. */
const record = (n: number, { type = "view", product = "p", price = "" } = {}) =>
    `${idOf(n)},${type},${product},u,2024-01-01 00:00:00,,${price}`;
const wish = (n: number, price = "") => record(n, { type: "wish", price });
const allowWishes = () => sql`insert into ingest.event_types values ('wish')`;

async function ingest(files: Record<string, string[]>, columns = header): Promise<void> {
    for (const [name, lines] of Object.entries(files)) {
        await writeFile(join(inputDir, name), `${[columns, ...lines].join("\n")}\n`);
    }
    await ingestFolder(database.target, inputDir);
}

const replay = (request: ReplayRequest = {}) => runReplay(sql, request);

/** Everything that a replay may change, as text. */
async function wholeState(): Promise<unknown> {
    const [row] = await sql`
        select
            (select json_agg(events order by event_id) from events) as events,
            (select json_agg(rejects order by reject_id) from ingest.rejects) as rejects,
            (select json_agg(batches order by batch_id) from ingest.batches) as batches,
            (select json_agg(chunk_merges order by chunk_id, batch_id) from ingest.chunk_merges) as merges,
            (select json_agg(event_stats order by grain, bucket, event_type) from ingest.event_stats) as stats,
            (select count(*) from ingest.staging where chunk_id in (select chunk_id from ingest.chunks)) as staged`;
    return row;
}

const rejectsOf = (recordNo: number) => sql`
    select kind, reasons, resolution, resolved_by_batch is not null as "isResolved", record ->> 'price' as price
    from ingest.rejects
    where record_no = ${recordNo}
    order by reject_id`;

test("a record that passes today becomes an event of the file and record it came from; the old counts stay", async () => {
    await ingest({
        "a.csv": [record(1), `${idOf(2)},wish,p,u,2024-01-01 00:00:00,3,1.50`],
    });
    const [before] = await sql`select chunk_id, batch_id from ingest.rejects`;
    await allowWishes();

    expect(await replay()).toEqual({
        ...nothing,
        dryRun: false,
        batches: 1,
        read: 1,
        inserted: 1,
        unchanged: 0,
        unsplittable: 0,
        busy: 0,
        remaining: [],
        samples: [expect.objectContaining({ outcome: "inserted", reasons: [], refusal: null })],
    });

    const [event] = await sql`select chunk_id, record_no, event_type, price from events where event_id = ${idOf(2)}`;
    expect(event).toEqual({ chunk_id: before!.chunk_id, record_no: 2, event_type: "wish", price: "1.50" });
    expect([...(await rejectsOf(2))]).toEqual([
        { kind: "rejected", reasons: ["event_type_unknown"], resolution: "inserted", isResolved: true, price: "1.50" },
    ]);
    const batches = await sql`
        select kind, chunks, read, inserted, rejected from ingest.batches order by batch_id`;
    expect([...batches]).toEqual([
        { kind: "merge", chunks: 1, read: 2, inserted: 1, rejected: 1 },
        { kind: "replay", chunks: 1, read: 1, inserted: 1, rejected: 0 },
    ]);
});

test("a second replay does nothing at all", async () => {
    await ingest({
        "a.csv": [wish(1), record(2, { product: "" }), "only,two"],
    });
    await allowWishes();
    expect(await replay()).toMatchObject({ batches: 1, read: 1, inserted: 1, unchanged: 1, unsplittable: 1 });
    const after = await wholeState();

    expect(await replay()).toMatchObject({ ...nothing, batches: 0, unchanged: 1, unsplittable: 1 });
    expect(await wholeState()).toEqual(after);
});

test("a record can be edited by SQL before its replay, also one that could not be split; what it was is kept", async () => {
    await ingest({ "a.csv": [record(1, { price: "1.999" }), "only,two"] });
    await sql`update ingest.rejects set record = record || '{"price": "1.99"}' where record_no = 1`;
    await sql`
        update ingest.rejects
        set record = ${JSON.stringify({ event_id: idOf(2), event_type: "view", product_id: "p", user_id: "u", event_timestamp: "2024-01-01 00:00:00" })}::text::jsonb
        where record_no = 2`;
    await expectChecksToPass(sql);

    expect(await replay()).toMatchObject({ read: 2, inserted: 2, unsplittable: 0 });

    const rejects = await sql`
        select original_record ->> 'price' as price, edited_at is not null as edited, raw_text from ingest.rejects order by record_no`;
    expect([...rejects]).toEqual([
        { price: "1.999", edited: true, raw_text: null },
        { price: null, edited: true, raw_text: "only,two" },
    ]);
    expect([...(await sql`select record_no, price from events order by 1`)]).toEqual([
        { record_no: 1, price: "1.99" },
        { record_no: 2, price: null },
    ]);
});

test("an edit that helps nothing should fail: a resolved reject is history, a record is an object", async () => {
    await ingest({ "a.csv": [record(1, { price: "1.999" })] });
    const edit = (value: string) =>
        sql`update ingest.rejects set record = ${value}::text::jsonb`.then(() => null, sqlStateOf);

    expect(await edit("[1]")).toBe("SL004");
    await sql`update ingest.rejects set record = record || '{"price": "1"}'`;
    await replay();
    expect(await edit("{}")).toBe("SL004");
});

test("what fails for other reasons is a new reject of the replay; the old one names it", async () => {
    await ingest({ "a.csv": [record(1, { product: "", price: "-1" })] });
    await sql`update ingest.rejects set record = record || '{"product_id": "p"}'`;

    expect(await replay()).toMatchObject({ read: 1, rejected: 1 });

    expect([...(await rejectsOf(1))]).toEqual([
        {
            kind: "rejected",
            reasons: ["product_id_missing", "price_negative"],
            resolution: "rejected",
            isResolved: true,
            price: "-1",
        },
        { kind: "rejected", reasons: ["price_negative"], resolution: null, isResolved: false, price: "-1" },
    ]);
});

test("what repeats an event is a duplicate, what contradicts it a conflict that stands", async () => {
    await ingest({
        "a.csv": [record(1, { price: "1" }), record(1, { price: "1.001" }), record(1, { price: "2.001" })],
    });
    await sql`update ingest.rejects set record = record || '{"price": "1.00"}' where record_no = 2`;
    await sql`update ingest.rejects set record = record || '{"price": "2.00"}' where record_no = 3`;

    expect(await replay()).toMatchObject({ read: 2, duplicate: 1, conflict: 1 });

    expect((await rejectsOf(2)).map(({ resolution }) => resolution)).toEqual(["duplicate"]);
    expect((await rejectsOf(3)).map(({ kind, resolution }) => [kind, resolution])).toEqual([
        ["rejected", "conflict"],
        ["conflict", null],
    ]);
    await expectChecksToPass(sql);
    expect(await replay()).toMatchObject({ ...nothing, batches: 0, unchanged: 1 });
});

test("--accept-conflicts replaces the stored row, keeps the old one as the reject and corrects the rollups", async () => {
    const recent = new Date(Date.now() - 600_000).toISOString().slice(0, 19);
    await ingest(
        {
            "a.csv": [`${idOf(1)},purchase,p,u,2024-01-01 10:00:00,2,5.00,acme`],
            "b.csv": [`${idOf(1)},purchase,p,u,${recent},3,7.00,other`],
        },
        `${header},brand`,
    );
    expect(await replay()).toMatchObject({ ...nothing, batches: 0, unchanged: 1 });

    expect(await replay({ acceptConflicts: true })).toMatchObject({ read: 1, inserted: 1, displaced: 1, conflict: 0 });

    const [event] = await sql`
        select quantity, price, attributes, path from events join ingest.chunks using (chunk_id) join ingest.files using (file_id)`;
    expect(event).toEqual({ quantity: 3, price: "7.00", attributes: { brand: "other" }, path: "b.csv" });
    const rejects = await sql`
        select path, record ->> 'price' as price, record ->> 'brand' as brand, resolution
        from ingest.rejects join ingest.chunks using (chunk_id) join ingest.files using (file_id)
        order by reject_id`;
    expect([...rejects]).toEqual([
        { path: "b.csv", price: "7.00", brand: "other", resolution: "accepted" },
        { path: "a.csv", price: "5.00", brand: "acme", resolution: "displaced" },
    ]);
    const [total] = await sql`select events, quantity, revenue from ingest.event_stats where grain = 'total'`;
    expect(total).toEqual({ events: 1, quantity: 3, revenue: "21.00" });
    await expectChecksToPass(sql);
    const after = await wholeState();
    expect(await replay({ acceptConflicts: true })).toMatchObject({ ...nothing, batches: 0, unchanged: 0 });
    expect(await wholeState()).toEqual(after);
});

test("of several conflicts that are accepted the last one stays; the others are displaced, and do not take turns", async () => {
    await ingest({
        "a.csv": [1, 2, 3, 3].map((price) => record(1, { price: `${price}` })),
    });

    expect(await replay({ acceptConflicts: true })).toMatchObject({ read: 3, inserted: 1, conflict: 2, displaced: 1 });

    const [event] = await sql`select record_no, price from events`;
    expect(event).toEqual({ record_no: 4, price: "3.00" });
    await expectChecksToPass(sql);
    expect(await replay({ acceptConflicts: true })).toMatchObject({ ...nothing, batches: 0 });
});

test("a displaced event can be put back: reopened by SQL, then accepted", async () => {
    await ingest({ "a.csv": [1, 2].map((price) => record(1, { price: `${price}` })) });
    await replay({ acceptConflicts: true });
    await sql`select ingest.reopen_reject(reject_id) from ingest.rejects where resolution = 'displaced'`;
    await expectChecksToPass(sql);

    expect(await replay({ acceptConflicts: true })).toMatchObject({ read: 1, inserted: 1, displaced: 1 });
    expect((await sql`select price from events`)[0]).toEqual({ price: "1.00" });
});

test("a rejected record that passes today and contradicts an event replaces it when conflicts are accepted", async () => {
    await ingest({
        "a.csv": [record(1, { price: "1" }), wish(1, "1")],
    });
    await allowWishes();

    expect(await replay({ acceptConflicts: true })).toMatchObject({ read: 1, inserted: 1, displaced: 1 });
    expect((await sql`select event_type from events`)[0]).toEqual({ event_type: "wish" });
});

test("two rejects of one id that pass in the same replay: the first is inserted, the second in conflict", async () => {
    await ingest({
        "a.csv": [wish(1, "1"), wish(1, "2")],
    });
    await allowWishes();

    expect(await replay({ dryRun: true, acceptConflicts: true })).toMatchObject({ inserted: 2, displaced: 1 });
    expect(await replay()).toMatchObject({ read: 2, inserted: 1, conflict: 1 });
    expect((await sql`select record_no from events`)[0]).toEqual({ record_no: 1 });
    await expectChecksToPass(sql);
    await replay({ acceptConflicts: true });
});

test("--reason, --file and --since choose; unknown columns come along", async () => {
    await ingest(
        {
            "a.csv": [
                `${idOf(1)},wish,p,u,2024-01-01 00:00:00,,, red `,
                `${idOf(2)},view,p,u,2024-01-01 00:00:00,,-1,`,
            ],
            "b.csv": [`${idOf(3)},wish,p,u,2024-01-01 00:00:00,,,`],
        },
        `${header},colour`,
    );
    await allowWishes();

    expect(await replay({ from: "2999-01-01" })).toMatchObject({ ...nothing, unchanged: 0 });
    expect(await replay({ file: "c.csv" })).toMatchObject({ ...nothing, unchanged: 0 });
    expect(await replay({ reason: "price_negative" })).toMatchObject({ ...nothing, unchanged: 1 });
    expect(await replay({ reason: "event_type_unknown", file: "a.csv" })).toMatchObject({ read: 1, unchanged: 0 });
    expect(await replay({ from: "2020-01-01", pageRejects: 1 })).toMatchObject({ read: 1, inserted: 1, unchanged: 1 });

    const events = await sql`select event_id, attributes from events order by 1`;
    expect([...events]).toEqual([
        { event_id: idOf(1), attributes: { colour: " red " } },
        { event_id: idOf(3), attributes: null },
    ]);
});

test("an attribute that has the name of one of our columns stays one, through replays and displacements", async () => {
    const columns = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price,net,attributes.price";
    const rest = "p,u,2024-01-01 00:00:00,,9.99";
    const lines = [`${idOf(1)},wish,${rest},2,x`, `${idOf(2)},view,${rest},3,y`, `${idOf(2)},view,${rest},4,y`];
    await writeFile(join(inputDir, "a.csv"), `${[columns, ...lines].join("\n")}\n`);
    const source = { match: "*.csv", aliases: { price: "attributes", net: "price" } } as const;
    await ingestFolder(database.target, inputDir, { sources: [source] });
    await allowWishes();
    const events = () => sql`select price::text, attributes from events order by event_id`;

    expect(await replay({ acceptConflicts: true })).toMatchObject({ inserted: 2, displaced: 1 });
    expect([...(await events())]).toEqual([
        { price: "2.00", attributes: { price: "9.99", "attributes.price": "x" } },
        { price: "4.00", attributes: { price: "9.99", "attributes.price": "y" } },
    ]);
    await sql`select ingest.reopen_reject(reject_id) from ingest.rejects where resolution = 'displaced'`;
    await replay({ acceptConflicts: true });
    expect((await events())[1]).toEqual({ price: "3.00", attributes: { price: "9.99", "attributes.price": "y" } });
});

test("--dry-run says what would come of it and changes nothing", async () => {
    await ingest({ "a.csv": [wish(1)] });
    await allowWishes();
    const before = await wholeState();

    expect(await replay({ dryRun: true })).toMatchObject({ dryRun: true, read: 1, inserted: 1 });
    expect(await wholeState()).toEqual(before);
});

test("a call that is repeated with its key, because its answer was lost, gives the batch back and does nothing", async () => {
    await ingest({ "a.csv": [wish(1)] });
    await allowWishes();
    const key = crypto.randomUUID();
    const call = () => sql`
        select ingest.replay_rejects(0::smallint, ${key}, ${key}, array(select reject_id from ingest.rejects), false, false)
            -> 'batch' as batch`;
    const first = [...(await call())];
    const after = await wholeState();

    expect([...(await call())]).toEqual(first);
    expect(await wholeState()).toEqual(after);
});

test("a replay that is killed has done nothing, and the next one does it all", async () => {
    await ingest({ "a.csv": [wish(1)] });
    await allowWishes();
    const before = await wholeState();
    const victim = connect(database.target, { applicationName: "victim", max: 1 });
    const release = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holder = sql.begin(async (transaction) => {
        await transaction`select from ingest.slices where slice_no = 7 for update`;
        held.resolve();
        await release.promise;
    });
    await held.promise;
    const killed = victim`
        select from ingest.replay_rejects(
            0::smallint, gen_random_uuid(), gen_random_uuid(), array(select reject_id from ingest.rejects), true, false
        )`.then(
        () => "done",
        () => "killed",
    );
    // It has staged its records and waits for the slices.
    await whenWaiting(sql);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`;

    expect(await killed).toBe("killed");
    release.resolve();
    await holder;
    await victim.end({ timeout: 1 });
    expect(await wholeState()).toEqual(before);
    expect(await replay()).toMatchObject({ read: 1, inserted: 1 });
});

test("replays and merges side by side come to what they come to one after the other", async () => {
    const lines = (from: number, type: string) =>
        Array.from({ length: 2_000 }, (_, n) => `${idOf(from + n)},${type},p,u,2024-01-01 00:00:00,1,2`);
    await ingest({ "a.csv": lines(0, "wish"), "b.csv": lines(10_000, "view") });
    await allowWishes();
    // New records, and rivals of those that the replay lets in.
    const writing = ingest(
        Object.fromEntries(
            [0, 1, 2, 3].map((n) => [`c${n}.csv`, [...lines(20_000 + n * 2_000, "view"), ...lines(n * 500, "wish")]]),
        ),
    );
    const replays = Array.from({ length: 4 }, () => replay({ pageRejects: 300 }));
    await Promise.all([writing, ...replays]);

    await expectChecksToPass(sql);
    const [counts] = await sql`
        select
            (select count(*) from events) as events,
            (select count(*) from ingest.rejects where resolution is null) as standing`;
    expect(counts).toEqual({ events: 2_000 + 2_000 + 8_000 + 1_500, standing: 0 });
}, 30_000);

test("a reject that somebody is editing is left for the next replay", async () => {
    await ingest({
        "a.csv": [wish(1), wish(2)],
    });
    await allowWishes();
    await sql.begin(async (transaction) => {
        await transaction`update ingest.rejects set record = record || '{"user_id": "v"}' where record_no = 1`;
        expect(await replay()).toMatchObject({ read: 1, inserted: 1, unchanged: 0, busy: 1 });
    });
    expect(await replay()).toMatchObject({ read: 1, inserted: 1, unchanged: 0, busy: 0 });
});
