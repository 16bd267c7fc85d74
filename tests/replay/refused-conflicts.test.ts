/** A conflict that is to be accepted and whose record the table refuses stays one, with what the table said; the others are accepted. */
import { expect, test } from "bun:test";
import { type ReplayRequest, runReplay } from "../../src/operations/run-replay.ts";
import { event, idOf, mergeFile, type StagedRow } from "../merge/ledger.ts";
import { useTheirs } from "../merge/theirs.ts";
import { runScript } from "../support/run-script.ts";

const theirs = useTheirs(import.meta.path);
const { sql } = theirs;

const accept = (request: ReplayRequest = {}) => runReplay(sql, { acceptConflicts: true, ...request });

/** Purchases of one piece: events 1 to 3 at a price of 1, then what contradicts them. */
async function contradict(...rows: StagedRow[]): Promise<void> {
    const purchase = { event_type: "purchase", quantity: "1" };
    await mergeFile(
        sql,
        [1, 2, 3].map((no) => event(no, { ...purchase, price: "1" })),
    );
    await mergeFile(
        sql,
        rows.map((row) => ({ ...event(1, purchase), ...row })),
    );
}
const priceOf = (no: number, price: string): StagedRow => ({ event_id: idOf(no), price });

async function prices(): Promise<string[]> {
    const rows = await sql<{ price: string }[]>`select price from events order by event_id`;
    return rows.map(({ price }) => price);
}

async function revenue(): Promise<string> {
    const [row] = await sql<{ revenue: string }[]>`
        select revenue from ingest.event_stats where grain = 'total' and event_type = 'purchase'`;
    return row!.revenue;
}

const standing = { kind: "conflict", reasons: ["event_id_conflict"] };

test("a check: a second replay leaves it alone, and one without the check accepts it", async () => {
    await contradict(priceOf(1, "500"), priceOf(2, "5"), priceOf(3, "7"));
    await sql`alter table events add constraint theirs check (price < 100)`;

    expect(await accept({ dryRun: true })).toMatchObject({
        read: 3,
        inserted: 2,
        conflict: 1,
        displaced: 2,
        refused: 1,
    });
    expect(await prices()).toEqual(["1.00", "1.00", "1.00"]);
    expect(await accept()).toMatchObject({ read: 3, inserted: 2, conflict: 1, displaced: 2, refused: 1, unchanged: 0 });
    expect(await prices()).toEqual(["1.00", "5.00", "7.00"]);
    expect(await revenue()).toBe("13.00");
    const [reject, ...others] = await theirs.rejects();
    expect(others).toEqual([]);
    expect(reject).toMatchObject({ ...standing, recordNo: 1, refusal: { sqlState: "23514", constraint: "theirs" } });

    expect(await accept()).toMatchObject({ batches: 0, refused: 0, unchanged: 1 });
    expect(await theirs.rejects()).toEqual([reject!]);
    await sql`alter table events drop constraint theirs`;
    expect(await runReplay(sql, {})).toMatchObject({ batches: 0, unchanged: 1 });
    expect(await accept()).toMatchObject({ read: 1, inserted: 1, displaced: 1, refused: 0 });
    expect(await prices()).toEqual(["500.00", "5.00", "7.00"]);
});

test("the last record of an id is refused, and the one before it is accepted", async () => {
    await contradict(priceOf(1, "3"), priceOf(1, "4"), priceOf(1, "500"), priceOf(1, "600"));
    await theirs.addConstraint("check (price < 100)");

    expect(await accept()).toMatchObject({ read: 4, inserted: 1, conflict: 3, displaced: 1, refused: 2 });
    expect(await prices()).toEqual(["4.00", "1.00", "1.00"]);
    expect((await theirs.rejects()).map(({ recordNo }) => recordNo)).toEqual([3, 4]);
    expect(await accept()).toMatchObject({ batches: 0, unchanged: 2 });
});

test("all of them: nothing is replaced", async () => {
    await contradict(priceOf(1, "500"), priceOf(2, "600"));
    await theirs.addConstraint("check (price < 100)");

    expect(await accept()).toMatchObject({ read: 2, inserted: 0, conflict: 2, displaced: 0, refused: 2 });
    expect(await prices()).toEqual(["1.00", "1.00", "1.00"]);
    expect(await accept()).toMatchObject({ batches: 0, unchanged: 2 });
});

test("a foreign key that is looked at only at the commit", async () => {
    await contradict({ event_id: idOf(1), user_id: "u9" }, priceOf(2, "5"));
    await theirs.alter(
        "create table public.known_users (user_id varchar(100) primary key); insert into public.known_users values ('u1')",
        "drop table public.known_users",
    );
    await theirs.addConstraint("foreign key (user_id) references public.known_users deferrable initially deferred");

    expect(await accept()).toMatchObject({ read: 2, inserted: 1, conflict: 1, refused: 1 });
    expect(await theirs.rejects()).toMatchObject([
        { ...standing, refusal: { sqlState: "23503", constraint: "theirs" } },
    ]);
});

test.each([
    [
        "raises",
        "raise exception 'not this one' using errcode = 'ZZ001'",
        { sqlState: "ZZ001", message: "not this one" },
    ],
    ["leaves it as it is", "return null", { message: expect.stringContaining("left the record out") }],
    [
        "gives it another id",
        "new.event_id := gen_random_uuid()",
        { message: expect.stringContaining("another event_id") },
    ],
    [
        "gives it another number",
        "new.record_no := 0",
        { message: expect.stringContaining("another chunk_id or record_no") },
    ],
    ["makes it what no rule lets in", "new.quantity := -1", { message: expect.stringContaining("reject: quantity") }],
])("a trigger that %s", async (_, action, refusal) => {
    await contradict(priceOf(1, "50"), priceOf(2, "5"));
    await theirs.addTrigger(`if new.price = 50 then ${action}; end if; return new;`, "before update");

    expect(await accept()).toMatchObject({ read: 2, inserted: 1, conflict: 1, displaced: 1, refused: 1 });
    expect(await prices()).toEqual(["1.00", "5.00", "1.00"]);
    expect(await theirs.rejects()).toMatchObject([{ ...standing, refusal }]);
    expect(await accept()).toMatchObject({ batches: 0, unchanged: 1 });
});

test("a trigger that changes the price is obeyed, and the sums are the event's", async () => {
    await contradict(priceOf(1, "4.60"));
    await theirs.addTrigger("new.price := round(new.price); return new;", "before update");

    expect(await accept()).toMatchObject({ read: 1, inserted: 1, refused: 0 });
    expect(await prices()).toEqual(["5.00", "1.00", "1.00"]);
    expect(await revenue()).toBe("7.00");
});

test("a trigger that raises for every statement is no record's fault: the replay fails, and nothing is changed", async () => {
    await contradict(priceOf(1, "5"));
    await theirs.addTrigger("raise exception 'never'; return null;", "before update", "statement");

    expect(accept()).rejects.toMatchObject({ code: "SL010", message: expect.stringContaining("never") });
    expect(await theirs.rejects()).toMatchObject([{ ...standing, refusal: null }]);
    expect(await prices()).toEqual(["1.00", "1.00", "1.00"]);
});

test("the command says how many, and where to read why", async () => {
    await contradict(priceOf(1, "500"), priceOf(2, "5"));
    await theirs.addConstraint("check (price < 100)");
    const environment = { DATABASE_URL: theirs.database.target.url };

    const { stdout, exitCode } = await runScript("replay", ["--accept-conflicts", "--yes"], { environment });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/refused +1 conflict by the table: bun run rejects shows why/);
    const listed = await runScript("rejects", [], { environment });
    expect(listed.stdout).toContain('The table says: new row for relation "events" violates check constraint "theirs"');
});
