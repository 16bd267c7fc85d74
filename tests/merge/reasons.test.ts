/** Every reason of the rules: the record that gets it, and the neighbour that doesn't. */
import { describe, expect, test } from "bun:test";
import { useDatabase } from "../support/fixture.ts";
import { event, merge, problem, rejectRows, type StagedRow, stageFile } from "./ledger.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;

type Column = "event_id" | "event_type" | "product_id" | "user_id" | "event_timestamp" | "quantity" | "price";

const id = "018f0000-0000-4000-8000-00000000000a";
const day = 24 * 3600 * 1000;
const inDays = (days: number) => new Date(Date.now() + days * day).toISOString();

/** The reason, values that get it, and neighbours that are good. */
const rules: [reason: string, column: Column, bad: (string | null)[], good: (string | null)[]][] = [
    ["event_id_missing", "event_id", [null, "", " ", "\t\v"], [id, `\t${id} `]],
    [
        "event_id_invalid",
        "event_id",
        [
            id.replaceAll("-", ""),
            `{${id}}`,
            `${id}0`,
            id.slice(1),
            id.replace("f", "g"),
            `${id.slice(0, -1)}\u00a0`,
            "018f-0000-0000-4000-8000-00000000000a",
            "018f0000-0000-4000-80000-0000000000-a",
            "0".repeat(36),
            "-".repeat(36),
        ],
        [id.toUpperCase(), "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    ],
    ["event_type_missing", "event_type", [null, "", "  "], ["purchase"]],
    [
        "event_type_unknown",
        "event_type",
        ["View", "views", "view\u00a0", "remove-from-cart", "x".repeat(1_000)],
        ["view", " add_to_cart ", "remove_from_cart", "purchase"],
    ],
    ["product_id_missing", "product_id", [null, "", "\r\n"], ["0", "\u00a0"]],
    [
        "product_id_too_long",
        "product_id",
        ["x".repeat(101), "🙂".repeat(101)],
        ["x".repeat(100), "🙂".repeat(100), `${"x".repeat(100)} `],
    ],
    ["user_id_missing", "user_id", [null, "", " "], ["0"]],
    ["user_id_too_long", "user_id", ["x".repeat(101)], ["é".repeat(100), ` ${"x".repeat(100)}`]],
    ["event_timestamp_missing", "event_timestamp", [null, "", " "], ["2024-05-01 10:00:00"]],
    [
        "event_timestamp_invalid",
        "event_timestamp",
        [
            // What Postgres's own cast takes: too much for a time stamp.
            ...["now", "today", "tomorrow", "infinity", "-infinity", "epoch", "01/02/2024", "J2451187", "20240501"],
            ...["2024-05-01", "2024-05-01 10:00", "2024-05-01 10", "2024-05-01 24:00:00", "2024-05-01 23:59:60"],
            ...["2024-01-02 03:04:05 epoch", "2024-01-02 03:04:05 PM", "2024-01-02 03:04:05 Mon"],
            ...["2024-01-02 03:04:05 UTC+3", "2024-01-02 03:04:05 America/New_York", "2024-01-02 03:04:05 BC"],
            ...["2024-01-02 03:04:05 UTC", "2024-01-02 03:04:05 +02", "2024-01-02 03:04:05z", "2024-01-02t03:04:05"],
            ...[
                "2024-01-02 03:04:05.1234567 UTC",
                "2024-01-02 03:04:05.",
                "2024-01-02 03:04:05,5",
                "2024-01-02  3:04:05",
            ],
            ...[
                "2024-01-02 03:04:05+2",
                "2024-01-02 03:04:05+020",
                "2024-01-02 03:04:05+16",
                "2024-01-02 03:04:05+02:60",
            ],
            ...[
                "2024-01-02 03:04:05+02:00:00",
                "2024-01-02 03:04:05-",
                "2024-01-02 03:04:05Z+02",
                "2024-01-02 03:04:05 AD",
            ],
            ...[
                "2024-13-01 00:00:00",
                "2024-00-01 00:00:00",
                "2024-04-31 00:00:00",
                "2023-02-29 00:00:00",
                "1900-02-29 00:00:00",
            ],
            ...[
                "2024-01-02 03:60:05",
                "24-01-02 03:04:05",
                "12024-01-02 03:04:05",
                "2024/01/02 03:04:05",
                "2024-1-2 03:04:05",
            ],
            ...[
                "0000-01-01 00:00:00",
                "2024-01-02T03:04:05 ".concat("Z"),
                "1704164645",
                "2024-01-02 ٠٣:04:05",
                "____-__-__ __:__:__",
            ],
        ],
        [
            ...["2024-05-01 10:00:00", "2024-05-01T10:00:00", "2024-05-01 00:00:00", "2024-05-01 23:59:59.999999Z"],
            ...["2024-02-29 00:00:00", "2000-02-29T00:00:00Z", "2024-05-01 10:00:00.5", "2024-05-01 10:00:00+00"],
            ...[
                "2024-05-01 10:00:00+02:00",
                "2024-05-01 10:00:00-1130",
                "2024-05-01T10:00:00.123+15:59",
                "2024-05-01 10:00:00-00",
            ],
        ],
    ],
    [
        "event_timestamp_too_early",
        "event_timestamp",
        ["1969-12-31 23:59:59.999999", "1970-01-01T12:00:00+12:01", "0001-01-01 00:00:00"],
        ["1970-01-01 00:00:00", "1970-01-01T15:59:00+15:59", "1969-12-31T23:59:59-12:00"],
    ],
    [
        "event_timestamp_too_precise",
        "event_timestamp",
        ["2024-05-01 10:00:00.1234567", "2024-05-01T10:00:00.0000000001Z", "2024-05-01 10:00:00.123456789+02:00"],
        ["2024-05-01 10:00:00.123456000", "2024-05-01T10:00:00.000000000Z", "2024-05-01 10:00:00.1000000+02"],
    ],
    [
        "event_timestamp_in_future",
        "event_timestamp",
        [inDays(2), "2999-01-01 00:00:00", "9999-12-31 23:59:59-15:59"],
        [inDays(0), inDays(0.9)],
    ],
    [
        "quantity_invalid",
        "quantity",
        [
            "0x1F",
            "1_000",
            "0b11",
            "0o7",
            "1.0",
            "1e3",
            "+1",
            "1 000",
            "--1",
            "-",
            "- 1",
            "-1.5",
            "NaN",
            "٣",
            "1\u00a0",
            "one",
        ],
        [null, "", " ", "0", "007", " 12\t"],
    ],
    ["quantity_negative", "quantity", ["-1", "-01", "-99999999999999999999"], ["0", "-0", `-${"0".repeat(100)}`]],
    [
        "quantity_out_of_range",
        "quantity",
        ["2147483648", "9999999999", "10000000000", "9".repeat(100)],
        ["2147483647", `${"0".repeat(100)}2147483647`],
    ],
    [
        "price_invalid",
        "price",
        [
            "NaN",
            "Infinity",
            "-Infinity",
            "inf",
            "1e130000",
            "1e2",
            ".5",
            "5.",
            ".",
            "1.2.3",
            "1,5",
            "$5",
            "+5",
            "0x1",
            "1_0",
            "٣",
            "-",
            "-.5",
            "--1",
        ],
        [null, "", "  ", "0", "0.5", "00.50", "5"],
    ],
    [
        "price_negative",
        "price",
        ["-1", "-0.01", "-12.345", "-0.001", `-0.${"0".repeat(16_381)}`],
        ["0.00", "-0", "-0.00", "-00.000", `-0.${"0".repeat(16_380)}`],
    ],
    ["price_too_precise", "price", ["12.345", "0.001", "99999999.999"], ["12.340", "12.34", `1.5${"0".repeat(1_000)}`]],
    [
        "price_out_of_range",
        "price",
        ["100000000", "100000000.00", "9".repeat(100)],
        ["99999999.99", `${"0".repeat(100)}1.5`],
    ],
];

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

describe.each(rules)("%s", (reason, column, bad, good) => {
    // The ids of a column's own test may repeat: then a record is a conflict, but not rejected.
    const rowsOf = (values: (string | null)[]) => values.map((value, index) => ({ ...event(index), [column]: value }));

    test("is why these are rejected", async () => {
        const expected = bad.map((value) => [value, ["rejected", reason]]);
        const reasons = await reasonsOf(rowsOf(bad));
        expect(bad.map((value, index) => [value, reasons[index]])).toEqual(expected as never);
    });

    test("is no matter of these", async () => {
        const reasons = await reasonsOf(rowsOf(good));
        expect(good.map((value, index) => [value, reasons[index]])).toEqual(good.map((value) => [value, null]));
    });
});

describe("the reasons of a record", () => {
    test("are all of them, one a column, in the order of the columns", async () => {
        const [everything] = await reasonsOf([
            event(1, {
                event_id: "x",
                event_type: "x",
                product_id: "",
                user_id: "x".repeat(101),
                event_timestamp: "now",
                quantity: "-1",
                price: "1.005",
            }),
        ]);
        expect(everything).toEqual([
            "rejected",
            "event_id_invalid",
            "event_type_unknown",
            "product_id_missing",
            "user_id_too_long",
            "event_timestamp_invalid",
            "quantity_negative",
            "price_too_precise",
        ]);
    });

    test("are the loader's own for a record that could not be split, whatever it is", async () => {
        const told = [
            "too_few_fields",
            "too_many_fields",
            "stray_quote",
            "unclosed_quote",
            "stray_carriage_return",
            "nul_byte",
            "invalid_utf8",
            "record_too_long",
        ];
        expect(await reasonsOf(told.map((reason) => problem(reason)))).toEqual(
            told.map((reason) => ["rejected", reason]),
        );
    });

    test("are none for a record of which only quantity and price are missing", async () => {
        expect(await reasonsOf([event(1, { quantity: null, price: null })])).toEqual([null]);
    });

    test("count the values as they are when the loader says that nothing is padded", async () => {
        const unpadded = { isPadded: false };
        expect(await reasonsOf([event(1), event(2, { quantity: null })], unpadded)).toEqual([null, null]);
        expect(await reasonsOf([event(1, { quantity: "x" })], unpadded)).toEqual([["rejected", "quantity_invalid"]]);
    });
});

describe("what is stored", () => {
    test("is trimmed of ASCII white space, and of no other", async () => {
        await reasonsOf([
            event(1, {
                event_id: ` ${id}\t`,
                event_type: "\nview\v",
                product_id: " p q ",
                user_id: "\u00a0u\f",
                event_timestamp: " 2024-05-01 10:00:00\r",
                quantity: " 1 ",
                price: "\t2.5 ",
            }),
        ]);
        const [stored] = await sql`
            select event_type, product_id, user_id, event_timestamp::text, quantity, price from events`;
        expect(stored).toEqual({
            event_type: "view",
            product_id: "p q",
            user_id: "\u00a0u",
            event_timestamp: "2024-05-01 10:00:00+00",
            quantity: 1,
            price: "2.50",
        });
    });

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
        expect(batch).toEqual({ read: 3, settled: 3 });
    });
});

test("a type that is added to the table is known from the next merge on", async () => {
    expect(await reasonsOf([event(1, { event_type: "refund" })])).toEqual([["rejected", "event_type_unknown"]]);
    await sql`insert into ingest.event_types values ('refund')`;
    expect(await reasonsOf([event(1, { event_type: "refund" })])).toEqual([null]);
    await sql`delete from ingest.event_types where event_type = 'refund'`;
});
