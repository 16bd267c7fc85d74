/** A record that passes the rules and that the table refuses becomes a reject, alone, with what the table said of it. */
import { describe, expect, test } from "bun:test";
import { checkSchema } from "../../src/commands/doctor/check-database.ts";
import type { Sql } from "../../src/database/connect.ts";
import { findShapeProblem } from "../../src/database/table-shape.ts";
import { createMerger } from "../../src/engine/merge/merge-batch.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { allSlices, chunkStates, event, idOf, merge, mergeFile, stageFile } from "./ledger.ts";
import { ten, useTheirs } from "./theirs.ts";

const theirs = useTheirs(import.meta.path);
const { sql } = theirs;
const roleName = `sluice_test_rows_${process.pid}`;

describe("promise 6: one record that the table refuses keeps no other out:", () => {
    test("a check", async () => {
        await theirs.addConstraint("check (price < 100)");
        await theirs.expectRefused(ten({ 4: { price: "100" } }), [4], {
            sqlState: "23514",
            constraint: "theirs",
            message: 'new row for relation "events" violates check constraint "theirs"',
        });
    });

    test("a unique index: the first of the two gets in", async () => {
        const rows = Array.from({ length: 10 }, (_, no) => event(no, { user_id: no === 7 ? "u2" : `u${no}` }));
        await theirs.alter("create unique index theirs on events (user_id)", "drop index theirs");
        await theirs.expectRefused(rows, [8], { sqlState: "23505", constraint: "theirs" });
    });

    test("an exclusion constraint", async () => {
        await theirs.addConstraint("exclude using btree (product_id with =) where (product_id <> 'p1')");
        await theirs.expectRefused(
            ten({ 2: { product_id: "p9" }, 3: { product_id: "p9" }, 9: { product_id: "p9" } }),
            [3, 9],
            {
                sqlState: "23P01",
                constraint: "theirs",
            },
        );
    });

    test.each(["", "deferrable initially deferred"])("a foreign key %s", async (deferrable) => {
        await theirs.alter(
            "create table public.known_users (user_id varchar(100) primary key)",
            "drop table public.known_users",
        );
        await sql`insert into public.known_users values ('u1')`;
        await theirs.addConstraint(`foreign key (user_id) references public.known_users ${deferrable}`);
        await theirs.expectRefused(ten({ 1: { user_id: "u9" }, 10: { user_id: "u8" } }), [1, 10], {
            sqlState: "23503",
            constraint: "theirs",
            detail: expect.stringContaining("is not present in table"),
        });
    });

    test("a domain of a column that is generated from ours", async () => {
        await theirs.alter(
            "create domain public.short_text as text check (length(value) < 5)",
            "drop domain public.short_text",
        );
        await theirs.alter(
            "alter table events add column their_product public.short_text generated always as (product_id) stored",
            "alter table events drop column their_product",
        );
        await theirs.expectRefused(ten({ 6: { product_id: "p12345" } }), [6], { sqlState: "23514" });
    });

    test.each([
        ["with a code of its own", "using errcode = 'ZZ001'", "ZZ001"],
        ["with the usual one", "", "P0001"],
        ["with that of a table that is missing", "using errcode = '42P01'", "42P01"],
    ])("a trigger that raises %s", async (_, using, sqlState) => {
        await theirs.addTrigger(
            `if new.product_id = 'p9' then raise exception 'no p9 here' ${using}; end if; return new;`,
        );
        await theirs.expectRefused(ten({ 5: { product_id: "p9" } }), [5], {
            sqlState,
            message: "no p9 here",
            raisedIn: expect.stringContaining("theirs()"),
        });
    });

    test("a trigger that asserts, divides by zero, or has lost its table, each for another record", async () => {
        await theirs.addTrigger(`
            assert new.product_id <> 'p7', 'not seven';
            if new.product_id = 'p8' then perform 1 / (new.quantity); end if;
            if new.product_id = 'p9' then insert into public.audit values (new.event_id); end if;
            return new;`);
        const odd = { 2: { product_id: "p7" }, 3: { product_id: "p8" }, 8: { product_id: "p9" } };
        await theirs.expectRefused(ten(odd), [2, 3, 8], {});
        expect((await theirs.rejects()).map(({ refusal }) => refusal!.sqlState)).toEqual(["P0004", "22012", "42P01"]);
        expect((await theirs.rejects())[2]!.refusal!.raisedIn).toContain("theirs()");
    });

    test("a trigger that is called for the whole statement, or only at the commit", async () => {
        await theirs.addTrigger(
            "if exists (select from events where product_id = 'p9') then raise exception 'none of p9'; end if; return null;",
            "after insert",
            "statement",
        );
        await theirs.expectRefused(ten({ 5: { product_id: "p9" } }), [5], { sqlState: "P0001", message: "none of p9" });
    });

    test("a trigger that leaves a record out without an error: it is a reject, not inserted", async () => {
        await theirs.addTrigger("if new.product_id = 'p9' then return null; end if; return new;");
        await theirs.expectRefused(ten({ 3: { product_id: "p9" }, 4: { product_id: "p9" } }), [3, 4], {
            message: expect.stringContaining("left the record out"),
        });
    });

    test("all of them", async () => {
        await theirs.addConstraint("check (price > 100)");
        await theirs.expectRefused(ten({}), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { constraint: "theirs" });
    });
});

describe("what the table refuses", () => {
    test("does not hold its event_id: the next record that has it gets in", async () => {
        await theirs.addConstraint("check (price < 100)");
        const { counts } = await mergeFile(sql, [event(1, { price: "500" }), event(1, { price: "5" }), event(1)]);
        expect(counts).toEqual([3, 1, 0, 1, 1]);
        expect(await theirs.insertedNumbers()).toEqual([2]);
    });

    test("stands beside what the rules refuse, duplicates and conflicts, of many chunks in one merge", async () => {
        await theirs.addConstraint("check (price < 100)");
        for (const from of [0, 100, 200]) {
            await stageFile(sql, [
                event(from),
                event(from + 1, { price: "100" }),
                event(from + 2, { price: "x" }),
                event(from),
                event(from, { price: "7" }),
                event(from + 3, { price: " 99 " }),
            ]);
        }
        expect(await merge(sql)).toMatchObject({ read: 18, inserted: 6, duplicate: 3, conflict: 3, rejected: 6 });
        expect((await theirs.rejects()).map(({ reasons }) => reasons[0])).toEqual(
            [0, 1, 2].flatMap(() => ["refused_by_table", "price_invalid", "event_id_conflict"]),
        );
    });

    test("is found in each of the slices, by mergers that work side by side", async () => {
        await theirs.addConstraint("check (price < 100)");
        const rows = Array.from({ length: 400 }, (_, no) => event(no, { price: no % 7 === 0 ? "100" : "1" }));
        await stageFile(sql, rows);
        const mergers = [0x1111, 0x2222, 0x4444, 0x8888].map((slices) => createMerger(theirs.context).merge(slices));
        const batches = await Promise.all(mergers);
        expect(batches.reduce((sum, batch) => sum + batch!.rejected, 0)).toBe(58);
        expect(await chunkStates(sql)).toEqual(["merged"]);
    });

    test("one among many costs a few trials, not one for each record", async () => {
        await theirs.addConstraint("check (price < 100)");
        await theirs.addTrigger("perform nextval('public.calls'); return null;", "before insert", "statement");
        await theirs.alter("create sequence public.calls", "drop sequence public.calls");
        const rows = Array.from({ length: 5_000 }, (_, no) => event(no, { price: no === 3_210 ? "100" : "1" }));
        const { counts } = await mergeFile(sql, rows);
        expect(counts).toEqual([5_000, 4_999, 0, 0, 1]);
        const [row] = await sql<{ calls: number }[]>`select last_value::int as calls from public.calls`;
        expect(row!.calls).toBeLessThan(60);
    });

    test("is replayed once the table takes it, and left alone as long as it does not", async () => {
        await sql.unsafe("alter table events add constraint theirs check (price < 100)");
        await mergeFile(sql, [event(1, { price: "100" }), event(2, { price: "200" }), event(3)]);
        expect(await runReplay(sql, {})).toMatchObject({ batches: 0, unchanged: 2 });

        await sql`update ingest.rejects set record = record || '{"price": "5"}' where record_no = 1`;
        expect(await runReplay(sql, {})).toMatchObject({ read: 1, inserted: 1, unchanged: 1 });
        await sql`update ingest.rejects set record = record || '{"price": "x"}' where record_no = 2`;
        expect(await runReplay(sql, {})).toMatchObject({ read: 1, rejected: 1 });
        await sql`
            update ingest.rejects set record = record || '{"price": "300"}'
            where record_no = 2 and resolved_by_batch is null`;
        expect(await runReplay(sql, {})).toMatchObject({ read: 1, rejected: 1 });
        expect(await runReplay(sql, {})).toMatchObject({ batches: 0, unchanged: 1 });

        await sql.unsafe("alter table events drop constraint theirs");
        expect(await runReplay(sql, {})).toMatchObject({ read: 1, inserted: 1 });
        const prices = await sql`select price from events order by record_no`;
        expect(prices.map(({ price }) => price)).toEqual(["5.00", "300.00", "0.00"]);
        const [trace] = await sql<{ trace: { outcome: string }[] }[]>`
            select ingest.trace_key(${idOf(2)}) as trace`;
        expect(trace!.trace[0]!.outcome).toBe("inserted");
    });

    test("and what a trigger leaves out is left alone by a replay, too", async () => {
        await theirs.addTrigger("if new.product_id = 'p9' then return null; end if; return new;");
        await mergeFile(sql, [event(1, { product_id: "p9" }), event(2)]);
        expect(await runReplay(sql, {})).toMatchObject({ batches: 0, unchanged: 1 });
        await sql.unsafe("alter table events disable trigger theirs");
        expect(await runReplay(sql, {})).toMatchObject({ read: 1, inserted: 1 });
    });
});

describe("what is the table's fault is no record's: nothing is merged, nothing rejected, and the merge says what it is", () => {
    const expectFault = async (sqlState: string, message: RegExp) => {
        await stageFile(sql, [event(1), event(2)]);
        const fault = await createMerger(theirs.context)
            .merge(allSlices)
            .catch((error: unknown) => error as { code?: string; sqlState?: string; message: string });
        expect(fault).toMatchObject({ message: expect.stringMatching(message) });
        expect((fault as { code?: string }).code ?? (fault as { sqlState?: string }).sqlState).toBe(sqlState);
        expect(await chunkStates(sql)).toEqual(["staged"]);
        expect(await theirs.rejects()).toEqual([]);
    };

    test("a primary key that was dropped", async () => {
        await theirs.alter(
            "alter table events drop constraint events_pkey",
            "alter table events add primary key (event_id)",
        );
        await expectFault("SL010", /no primary key \(event_id\)/);
    });

    test("a primary key of other columns", async () => {
        await theirs.alter(
            "alter table events drop constraint events_pkey",
            "alter table events add primary key (event_id)",
        );
        await theirs.alter(
            "alter table events add primary key (event_id, created_at)",
            "alter table events drop constraint events_pkey",
        );
        await expectFault("SL010", /no primary key \(event_id\)/);
    });

    test("and a start and the doctor name it, too, as they name triggers", async () => {
        expect(await findShapeProblem(sql)).toBeNull();
        await theirs.addTrigger("return new;");
        expect((await checkSchema(theirs.database.target, sql, eventsStream)).finding).toMatchObject({
            state: "note",
            found: expect.stringContaining("theirs"),
        });
        await theirs.alter(
            "create rule theirs as on insert to events do instead nothing",
            "drop rule theirs on events",
        );
        expect((await findShapeProblem(sql))?.problem).toContain("its rule theirs replaces inserts");
        await theirs.alter(
            "alter table events drop constraint events_pkey",
            "alter table events add primary key (event_id)",
        );
        expect((await findShapeProblem(sql))?.problem).toContain("no primary key (event_id)");
        expect((await checkSchema(theirs.database.target, sql, eventsStream)).finding).toMatchObject({ state: "fail" });
    });

    test("row security that applies to the user: said at the start, and no record is rejected for it", async () => {
        await sql.unsafe(`
            create role ${roleName} login;
            grant usage on schema public, ingest to ${roleName};
            grant select, insert on events to ${roleName};
            grant select on ingest.streams to ${roleName};
            alter table events enable row level security`);
        await theirs.alter(
            "",
            `alter table events disable row level security; drop owned by ${roleName}; drop role ${roleName}`,
        );
        const shape = await sql.begin(async (sql) => {
            await sql.unsafe(`set local role ${roleName}`);
            return await findShapeProblem(sql as unknown as Sql);
        });
        expect(shape?.problem).toContain(`its row security applies to ${roleName}`);
    });

    test("a trigger that raises for every statement", async () => {
        await theirs.addTrigger("insert into public.audit values (1); return null;", "after insert", "statement");
        await expectFault("SL010", /takes no row.*public\.audit.*theirs\(\)/s);
    });

    test.each(["nothing", "insert into public.elsewhere values (new.event_id)"])(
        "a rule: do instead %s",
        async (what) => {
            await theirs.alter("create table public.elsewhere (event_id uuid)", "drop table public.elsewhere");
            await theirs.alter(
                `create rule theirs as on insert to events do instead ${what}`,
                "drop rule theirs on events",
            );
            await expectFault("SL010", /takes no row/);
        },
    );
});
