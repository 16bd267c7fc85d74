/** More of what a table may have of its own, each held to promise 6: the record alone, or the pipeline says what it is. */
import { describe, expect, test } from "bun:test";
import { createMerger } from "../../src/engine/merge/merge-batch.ts";
import { runReplay } from "../../src/operations/run-replay.ts";
import { allSlices, chunkStates, event, idOf, mergeFile, type StagedRow, stageFile } from "./ledger.ts";
import { ten, useTheirs } from "./theirs.ts";

const theirs = useTheirs(import.meta.path);
const { sql } = theirs;

const one = { 4: { product_id: "p9", user_id: "u-9", quantity: "40000" } };
const addColumn = (definition: string) =>
    theirs.alter(`alter table events add theirs ${definition}`, "alter table events drop theirs");
const addIndex = (definition: string) => theirs.alter(`create ${definition}`, "drop index theirs");
const ofOne = (action: string) => `if new.product_id = 'p9' then ${action}; end if; return new;`;

describe("the record alone:", () => {
    test("a unique index on a part of the table", async () => {
        await addIndex("unique index theirs on events (user_id) where product_id = 'p9'");
        await theirs.expectRefused(ten({ 4: { product_id: "p9" }, 8: { product_id: "p9" } }), [8], {
            ...{ sqlState: "23505", constraint: "theirs" },
        });
    });

    test("a unique constraint that is looked at only at the commit", async () => {
        await theirs.addConstraint("unique (user_id) deferrable initially deferred");
        const rows = Array.from({ length: 10 }, (_, no) => event(no, { user_id: `u${no === 6 ? 2 : no}` }));
        await theirs.expectRefused(rows, [7], { sqlState: "23505", constraint: "theirs" });
    });

    test.each([
        ["a generated number that is out of range", "smallint generated always as (quantity) stored", one, "22003"],
        ["a generated text that is too long", "varchar(2) generated always as (user_id) stored", one, "22001"],
        [
            "a generated number that is none",
            "integer generated always as (substr(user_id, 2)::integer) stored",
            { 4: { user_id: "uX" } },
            "22P02",
        ],
    ] as [string, string, Record<number, StagedRow>, string][])("%s", async (_, definition, odd, sqlState) => {
        await addColumn(definition);
        await theirs.expectRefused(ten(odd), [4], { sqlState });
    });

    test("a domain with a check, over a cast", async () => {
        await theirs.alter("create domain public.small as integer check (value < 100)", "drop domain public.small");
        await addColumn("public.small generated always as ((quantity + 0)::public.small) stored");
        await theirs.expectRefused(ten(one), [4], { sqlState: "23514", constraint: "small_check" });
    });

    test.each([
        ["a check that overflows", "check (quantity * 100000 >= 0)", "22003"],
        ["a check that divides by zero", "check (1 / (quantity - 40000) < 5)", "22012"],
    ])("%s", async (_, definition, sqlState) => {
        await theirs.addConstraint(definition);
        await theirs.expectRefused(ten(one), [4], { sqlState });
    });

    test("an index over an expression that fails", async () => {
        await addIndex("index theirs on events ((1 / (40000 - quantity)))");
        await theirs.expectRefused(ten(one), [4], { sqlState: "22012" });
    });

    test("a column of ours that takes no null any more", async () => {
        await theirs.alter(
            "alter table events alter quantity set not null",
            "alter table events alter quantity drop not null",
        );
        await theirs.expectRefused(ten({ 4: { quantity: null } }), [4], { sqlState: "23502" });
    });

    test.each(["40001", "55P03", "SL002", "XX000", "23505"])(
        "a trigger that raises %s, a code that is else no record's",
        async (sqlState) => {
            await theirs.addTrigger(ofOne(`raise exception 'not this one' using errcode = '${sqlState}'`));
            await theirs.expectRefused(ten(one), [4], {
                ...{ sqlState, message: "not this one", raisedIn: "PL/pgSQL function theirs() line 1 at RAISE" },
            });
        },
    );

    test("a trigger that sees all rows of a statement", async () => {
        await theirs.alter(
            `create function public.theirs() returns trigger language plpgsql as $$ begin
                if exists (select from written where product_id = 'p9') then raise exception 'p9'; end if;
                return null;
            end $$;
            create trigger theirs after insert on events referencing new table as written
            for each statement execute function public.theirs()`,
            "drop function public.theirs() cascade",
        );
        await theirs.expectRefused(ten(one), [4], { sqlState: "P0001", message: "p9" });
    });

    test.each([
        [
            "inserts other events",
            "insert into events select gen_random_uuid(), 'view', 'p', 'u', now(), null, null, null, now(), new.chunk_id, 1",
        ],
        ["removes other events", `delete from events where event_id = '${idOf(1)}'`],
    ])("a trigger that %s", async (_, action) => {
        await theirs.addTrigger(ofOne(`if pg_trigger_depth() = 1 then ${action}; end if`), "after insert");
        await theirs.expectRefused(ten(one), [4], {
            message: "The trigger theirs inserted or removed other rows of events.",
        });
    });

    test("a foreign key to the events themselves: who comes before its parent is let in by a replay", async () => {
        await addColumn(
            "uuid generated always as ((attributes ->> 'parent')::uuid) stored references events (event_id)",
        );
        const child = (no: number, parent: number) =>
            event(no, { attributes: JSON.stringify({ parent: idOf(parent) }) });
        // In one statement a parent may come later; 4 has none at all, and so all are tried in their order.
        const { counts } = await mergeFile(sql, [event(1), child(2, 1), child(3, 5), child(4, 99), event(5)]);
        expect(counts).toEqual([5, 3, 0, 0, 2]);
        expect(await runReplay(sql, {})).toMatchObject({ read: 1, inserted: 1, unchanged: 1 });
        expect(await theirs.insertedNumbers()).toEqual([1, 2, 3, 5]);
    });
});

describe("the pipeline says what it is, and no record is rejected:", () => {
    const expectFault = async (message: RegExp) => {
        await stageFile(sql, ten(one));
        const merging = createMerger(theirs.context).merge(allSlices);
        const fault = (await merging.catch((error: unknown) => error)) as { code?: string; sqlState?: string };
        expect({ ...fault, message: String(fault) }).toMatchObject({ message: expect.stringMatching(message) });
        expect(fault.sqlState ?? fault.code).toBe("SL010");
        expect(await chunkStates(sql)).toEqual(["staged"]);
        expect(await theirs.rejects()).toEqual([]);
    };

    test.each([
        [
            "a rule in the place of some inserts",
            "where new.price > 5 do instead nothing",
            /cannot perform INSERT RETURNING/,
        ],
        ["a rule beside inserts", "do also notify theirs", /DO ALSO rules are not supported/],
    ])("%s", async (_, rule, message) => {
        await theirs.alter(`create rule theirs as on insert to events ${rule}`, "drop rule theirs on events");
        await expectFault(message);
    });

    test("a column that was made narrower", async () => {
        await theirs.alter(
            "alter table events alter user_id type varchar(2)",
            "alter table events alter user_id type varchar(100)",
        );
        await expectFault(/its column user_id is character varying\(2\)/);
    });

    test("a trigger that puts all rows into a table that inherits: they would count as duplicates", async () => {
        await theirs.alter("create table public.events_2024 () inherits (events)", "drop table public.events_2024");
        await theirs.addTrigger("insert into public.events_2024 values (new.*); return null;");
        await expectFault(/the trigger theirs puts the rows of events into another table/);
    });
});
