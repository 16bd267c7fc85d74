/**
 * Triggers on `events` that change what is written. A changed key, place or sum is named and its record rejected alone: an
 * event of another id would be inserted again at each delivery, and one of another place is nobody's record.
 */
import { describe, expect, test } from "bun:test";
import { checkSchema } from "../../src/commands/doctor/check-database.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { event, idOf, mergeFile, type StagedRow } from "./ledger.ts";
import { ten, useTheirs } from "./theirs.ts";

const theirs = useTheirs(import.meta.path);
const { sql } = theirs;

const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const one = { 4: { product_id: "p9" } };
const ofOne = (change: string) => `if new.product_id = 'p9' then ${change}; end if; return new;`;
const inUpdate = (change: string) => `update events set ${change} where event_id = new.event_id; return null;`;
const otherId = "The trigger theirs gave the event another event_id.";
const otherPlace = "The trigger theirs gave the event another chunk_id or record_no.";
const gone = "The trigger theirs removed the event again, or gave it another event_id after it was written.";
const changed = "The trigger theirs changed the event after it was written.";
const broken = (columns: string) => `The trigger theirs gave the event what the rules reject: ${columns}.`;

describe("before insert: its record is rejected, and no other, where it changes", () => {
    test.each([
        ["the id of all", "new.event_id := gen_random_uuid(); return new;", all, otherId],
        ["the id of one", ofOne("new.event_id := gen_random_uuid()"), [4], otherId],
        ["the id of one to that of a later record", ofOne(`new.event_id := '${idOf(5)}'`), [4], otherId],
        [
            "the id of one to that of an earlier record",
            ofOne(`new.event_id := '${idOf(1)}'`),
            [4],
            `duplicate key value violates unique constraint "events_pkey". ${otherId}`,
        ],
        [
            "two ids, each to the other",
            `if new.record_no in (2, 3) then
                new.event_id := case new.record_no when 2 then '${idOf(2)}' else '${idOf(1)}' end::uuid;
            end if; return new;`,
            [2, 3],
            otherId,
        ],
        ["the number of all to 0", "new.record_no := 0; return new;", all, otherPlace],
        ["the number of one to 0", ofOne("new.record_no := 0"), [4], otherPlace],
        ["the number of one to that of another", ofOne("new.record_no := 7"), [4], otherPlace],
        ["all numbers among each other", "new.record_no := 11 - new.record_no; return new;", all, otherPlace],
        ["the chunk of all", "new.chunk_id := 4711; return new;", all, otherPlace],
        ["the chunk of one", ofOne("new.chunk_id := 4711"), [4], otherPlace],
        ["id, chunk and number", ofOne("new.event_id := gen_random_uuid(); new.chunk_id := 0"), [4], otherPlace],
        [
            "the type to one that is unknown",
            ofOne("new.event_type := upper(new.event_type)"),
            [4],
            broken("event_type"),
        ],
        ["the quantity below 0", ofOne("new.quantity := -1"), [4], broken("quantity")],
        ["the time into the future", ofOne("new.event_timestamp := 'infinity'"), [4], broken("event_timestamp")],
        ["the user to nobody", ofOne("new.user_id := ''"), [4], broken("user_id")],
        ["the product to one in white space", ofOne("new.product_id := ' p'"), [4], broken("product_id")],
        ["an attribute to a number", ofOne(`new.attributes := '{"a": 1}'`), [4], broken("attributes")],
    ])("%s", async (_, body, refused, message) => {
        await theirs.addTrigger(body);
        await theirs.expectRefused(ten(one), refused, { message });
    });
});

describe("after insert: so it is where the event is no longer what was inserted", () => {
    const ifOne = (action: string) => `if new.product_id = 'p9' then ${action} end if; return null;`;

    test.each([
        ["removed", "delete from events where event_id = new.event_id; return null;", all, gone],
        ["of another id", ifOne(inUpdate("event_id = gen_random_uuid()")), [4], gone],
        ["of another number", ifOne(inUpdate("record_no = 0")), [4], changed],
        ["of another chunk", inUpdate("chunk_id = 0"), all, changed],
        ["of another price", ifOne(inUpdate("price = 7")), [4], changed],
    ])("%s", async (_, body, refused, message) => {
        await theirs.addTrigger(body, "after insert");
        await theirs.expectRefused(ten(one), refused, { message });
    });

    test("and where that is put off until the commit", async () => {
        await theirs.alter(
            `create function public.theirs() returns trigger language plpgsql as $$ begin ${inUpdate("price = 7")} end $$`,
            "drop function public.theirs() cascade",
        );
        await sql`create constraint trigger theirs after insert on events deferrable initially deferred
            for each row execute function public.theirs()`;
        await theirs.expectRefused(ten(one), all, { message: changed });
    });

    test("but not where it changes a column of theirs, a user or an attribute", async () => {
        await theirs.alter("alter table events add their_note text", "alter table events drop their_note");
        await theirs.addTrigger(
            inUpdate(`their_note = 'seen', user_id = 'u2', attributes = '{"a": "1"}'`),
            "after insert",
        );
        await theirs.expectRefused(ten(one), [], {});
        expect([...(await sql`select distinct their_note, user_id from events`)]).toEqual([
            { their_note: "seen", user_id: "u2" },
        ]);
    });
});

describe("other columns:", () => {
    const rounded: StagedRow = { event_type: "purchase", quantity: "2", price: "9.60", user_id: "U1" };
    const round = "new.price := round(new.price); new.user_id := lower(new.user_id); return new;";

    test("the event is what the trigger made of it, and the sums are the event's", async () => {
        await theirs.addTrigger(round);
        await theirs.expectRefused([event(1, rounded)], [], {});
        const [sums] = await sql`
            select user_id, price, event_stats.revenue, product_stats.revenue as of_product
            from events, ingest.event_stats, ingest.product_stats
            where event_stats.grain = 'total' and product_stats.bucket = 'epoch'`;
        expect(sums).toEqual({ user_id: "u1", price: "10.00", revenue: "20.00", of_product: "20.00" });
    });

    test("its record, delivered again, is a conflict: it is no longer what is stored", async () => {
        await theirs.addTrigger(round);
        await mergeFile(sql, [event(1, rounded), event(2)]);
        const { counts } = await mergeFile(sql, [
            event(1, rounded),
            event(1, { ...rounded, price: "10", user_id: "u1" }),
        ]);
        expect(counts).toEqual([2, 0, 1, 1, 0]);
        expect(await theirs.rejects()).toMatchObject([{ recordNo: 1, kind: "conflict", refusal: null }]);
        // The conflict stands for as long as the two differ, and a second replay reads nothing.
        expect(await runReplay(sql, {})).toMatchObject({ batches: 0, unchanged: 1 });
    });

    test("the doctor names the triggers and what becomes of their records", async () => {
        await theirs.addTrigger("return new;");
        const { finding } = await checkSchema(theirs.database.target, sql, eventsStream);
        expect(finding).toMatchObject({ state: "note", found: expect.stringContaining("theirs") });
        expect(finding.remedy).toMatch(/refused_by_table.*conflict/);
    });
});

test("several triggers: all of them are named, but none that is switched off or only sees deletions", async () => {
    await theirs.addTrigger("new.record_no := 0; return new;");
    await sql.unsafe(`
        create trigger "Theirs too" before update on events for each row execute function public.theirs();
        create trigger theirs_off before insert on events for each row execute function public.theirs();
        alter table events disable trigger theirs_off;
        create trigger theirs_deleted before delete on events for each row execute function public.theirs()`);
    await theirs.expectRefused([event(1)], [1], {
        message: 'The trigger "Theirs too" or theirs gave the event another chunk_id or record_no.',
    });
});

test("one among many costs a few trials, and is let in by a replay once the trigger is gone", async () => {
    await theirs.alter("create sequence public.calls", "drop sequence public.calls");
    await theirs.addTrigger(ofOne("new.event_id := gen_random_uuid()"));
    await sql.unsafe(`
        create function public.count_call() returns trigger language plpgsql as
            $$ begin perform nextval('public.calls'); return null; end $$;
        create trigger calls before insert on events for each statement execute function public.count_call()`);
    await theirs.alter("", "drop function public.count_call() cascade");
    const rows = Array.from({ length: 3_000 }, (_, no) => event(no, no === 1_999 ? { product_id: "p9" } : {}));
    const { counts } = await mergeFile(sql, rows);
    expect(counts).toEqual([3_000, 2_999, 0, 0, 1]);
    const [row] = await sql<{ calls: number }[]>`select last_value::int as calls from public.calls`;
    expect(row!.calls).toBeLessThan(60);

    expect(await runReplay(sql, {})).toMatchObject({ batches: 0, unchanged: 1 });
    await sql`alter table events disable trigger theirs`;
    expect(await runReplay(sql, {})).toMatchObject({ read: 1, inserted: 1 });
    expect(await theirs.rejects()).toEqual([]);
});
