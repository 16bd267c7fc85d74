/** The rules where a file cannot show them: tests/cases holds every reason to the values that get it, and their neighbours. */
import { describe, expect, test } from "bun:test";
import { useDatabase } from "../support/fixture.ts";
import { event, merge, rejectRows, type StagedRow, stageFile } from "./ledger.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;

/** Merges one file with a record a value; gives the reasons of each, null for those that were inserted. */
async function reasonsOf(rows: StagedRow[], options = {}): Promise<(string[] | null)[]> {
    await sql`select ingest.reset()`;
    await stageFile(sql, rows, options);
    await merge(sql);
    const rejects = new Map(
        (await rejectRows(sql)).map(({ recordNo, reasons, kind }) => [recordNo, [kind, ...reasons]]),
    );
    return rows.map((_, index) => rejects.get(index + 1) ?? null);
}

test("a time is in the future from tomorrow on, by the database's clock", async () => {
    const inDays = (days: number) =>
        event(days * 10, { event_timestamp: new Date(Date.now() + days * 86_400_000).toISOString() });
    expect(await reasonsOf([0, 0.9, 1.1, 2].map(inDays))).toEqual([
        null,
        null,
        ["rejected", "event_timestamp_in_future"],
        ["rejected", "event_timestamp_in_future"],
    ]);
});

describe("what is stored", () => {
    test("is the moment that was meant: no zone is UTC, an offset counts, microseconds stay", async () => {
        const texts = [
            ["2024-05-01 10:00:00", "2024-05-01 10:00:00+00"],
            ["2024-05-01T10:00:00Z", "2024-05-01 10:00:00+00"],
            ["2024-05-01T10:00:00.000001+0230", "2024-05-01 07:30:00.000001+00"],
            ["2024-05-01 10:00:00-11", "2024-05-01 21:00:00+00"],
        ] as const;
        // A session that thinks otherwise changes nothing.
        await sql`alter database ${sql(database.target.database)} set timezone = 'Asia/Tokyo'`;
        await sql`alter database ${sql(database.target.database)} set datestyle = 'SQL, DMY'`;
        await reasonsOf(texts.map(([text], index) => event(index, { event_timestamp: text })));
        const stored = await sql<{ moment: string }[]>`
            select (event_timestamp at time zone 'UTC')::timestamp::text || '+00' as moment from events order by event_id`;
        expect(stored.map(({ moment }) => moment)).toEqual(texts.map(([, moment]) => moment));
    });

    test("has attributes from either way, without empty ones, and null when there are none", async () => {
        await reasonsOf(
            [
                event(1, { extra_1: "red", extra_2: " XL " }),
                event(2, { extra_1: "", extra_2: "XL" }),
                event(3, { extra_1: " ", extra_2: null }),
                event(4, { attributes: '{"colour":"red"}' }),
                event(5, { attributes: "{}" }),
            ],
            { extraColumns: ["colour", "size"] },
        );
        const stored = await sql<{ attributes: unknown }[]>`select attributes from events order by event_id`;
        expect(stored.map(({ attributes }) => attributes)).toEqual([
            { colour: "red", size: " XL " },
            { size: "XL" },
            { colour: " " },
            { colour: "red" },
            null,
        ]);
    });
});

describe("promise 6: a bad record rejects that record, and never stops the merge", () => {
    test.each([
        ["a price with 20 000 decimals that do not matter", { price: `1.${"0".repeat(20_000)}` }],
        ["a price with 200 000 digits", { price: "9".repeat(200_000) }],
        ["a price with 200 000 zeros before it", { price: `${"0".repeat(200_000)}5` }],
        ["a quantity with 200 000 zeros before it", { quantity: `${"0".repeat(200_000)}5` }],
        ["a quantity with 200 000 digits", { quantity: `-${"9".repeat(200_000)}` }],
        ["an event_timestamp of a megabyte", { event_timestamp: `2024-05-01 10:00:00.${"0".repeat(1_000_000)}` }],
        ["an event_id of a megabyte", { event_id: "a".repeat(1_000_000) }],
        ["an attribute of a megabyte", { extra_1: '"\\'.repeat(500_000) }],
    ] as [string, StagedRow][])("%s", async (_what, values) => {
        const reasons = await reasonsOf([event(1), event(2, values), event(3)], { extraColumns: ["x"] });
        expect([reasons[0], reasons[2]]).toEqual([null, null]);
        const [batch] = await sql`select read, inserted + rejected as settled from ingest.batches`;
        expect(batch).toMatchObject({ read: 3, settled: 3 });
    });

    test("a minus zero of more decimals than a number has is negative", async () => {
        const zero = (decimals: number) => event(decimals, { price: `-0.${"0".repeat(decimals)}` });
        expect(await reasonsOf([zero(16_380), zero(16_381)])).toEqual([null, ["rejected", "price_negative"]]);
    });
});

test("a type that is added to the table is known from the next merge on", async () => {
    expect(await reasonsOf([event(1, { event_type: "refund" })])).toEqual([["rejected", "event_type_unknown"]]);
    await sql`insert into ingest.event_types values ('refund')`;
    expect(await reasonsOf([event(1, { event_type: "refund" })])).toEqual([null]);
    await sql`delete from ingest.event_types where event_type = 'refund'`;
});
