/**
 * The shortcut past the rules is held to the rules themselves: what is called plain, sql/events/event_rules.sql passes.
 * The other way round nothing is promised, but the commonest records have to be plain, or the shortcut is none.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createPlainCheck, NOT_PLAIN } from "../../src/engine/read/is-plain.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import type { CatalogType } from "../../src/streams/catalog/catalog-table.ts";
import { defaultDialect } from "../../src/streams/dialect.ts";
import { columnNames } from "../../src/streams/stream.ts";
import type { PlainEnd } from "../../src/streams/types/column-type.ts";
import { text } from "../../src/streams/types/text.ts";
import { timestampRule } from "../../src/streams/types/timestamp-rule.ts";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

const { columns } = eventsStream;
const eventColumns = columnNames(eventsStream);
const plainSecondOfRecord = createPlainCheck({
    stream: eventsStream,
    targets: [...columns],
    dialect: defaultDialect,
});
const plainSecondOf = (values: readonly string[]) => {
    // Bytes around the record, which must not be looked at.
    const record = Buffer.from(`9${values.join(",")}9`);
    return plainSecondOfRecord(record, 1, record.length - 1);
};
const isPlain = (values: readonly string[]) => plainSecondOf(values) !== NOT_PLAIN;

const good = [
    "018f0000-0000-4000-8000-00000000000a",
    "view",
    "product-1",
    "user 2",
    "2024-02-29 23:59:59",
    "3",
    "12.50",
] as const;
const withValue = (column: string, value: string) =>
    eventColumns.map((name, index) => (name === column ? value : good[index]!));

const asRow = (record: readonly string[]) => ({
    ...Object.fromEntries(eventColumns.map((column, index) => [column, record[index]!])),
    plain_second: plainSecondOf(record),
});

/** Text that is often, and often nearly, what the rules take: a good value, some of its characters changed. */
const nearly = (examples: readonly string[], characters: string) =>
    fc
        .tuple(
            fc.constantFrom(...examples),
            fc.array(fc.tuple(fc.nat(40), fc.constantFrom(...characters, ""), fc.boolean()), { maxLength: 3 }),
        )
        .map(([text, edits]) =>
            edits.reduce((edited, [at, character, replaces]) => {
                const characters = Array.from(edited);
                characters.splice(at % (characters.length + 1), replaces ? 1 : 0, character);
                return characters.join("");
            }, text),
        );
const twoDigits = fc.nat(99).map((number) => String(number).padStart(2, "0"));
const anyTimestamp = fc
    .tuple(
        fc.constantFrom("1969", "1970", "2000", "2023", "2024", "2100", "9999", "0000"),
        fc.array(twoDigits, { minLength: 5, maxLength: 5 }),
    )
    .map(([year, [month, day, hour, minute, second]]) => `${year}-${month}-${day} ${hour}:${minute}:${second}`);
const nearTimestamp = fc
    .tuple(fc.nat(13), fc.nat(32), fc.nat(24), fc.nat(60), fc.nat(60))
    .map((numbers) => numbers.map((number) => String(number).padStart(2, "0")))
    .map(([month, day, hour, minute, second]) => `2023-${month}-${day} ${hour}:${minute}:${second}`);

const values: Record<string, fc.Arbitrary<string>> = {
    event_id: nearly([good[0], good[0].toUpperCase()], "0aFg-{} "),
    event_type: nearly(["view", "purchase"], "ax \t"),
    product_id: nearly(["p", "é".repeat(50), "y".repeat(100), "y".repeat(99), "🙂".repeat(25)], "yé\\ \t\u0001"),
    user_id: nearly(["u", "x".repeat(100)], "yé\\ \t\u00a0"),
    event_timestamp: fc.oneof(
        anyTimestamp,
        nearTimestamp,
        nearly(["2024-02-29 23:59:59", "2023-02-28 00:00:00", "1970-01-01 00:00:00"], "0129-: TZ+."),
    ),
    quantity: nearly(["", "0", "7", "999999999", "2147483647", "0000000001"], "0129-+. x_"),
    price: nearly(["", "0", "9.99", "99999999.99", "12345678", "0.5", "1.500"], "0129-+. eN"),
};

describe("a plain record", () => {
    test("is one that no rule refuses, at the second that Postgres reads, whatever its values are near to", async () => {
        const candidates = fc.sample(fc.tuple(...eventColumns.map((column) => values[column]!)), 4000);
        // One column at a time as well: seven values that are all plain are rare.
        const records = candidates.flatMap((candidate) => [
            candidate,
            ...eventColumns.map((column, index) => withValue(column, candidate[index]!)),
        ]);
        const plain = records.filter(isPlain);
        // About two in five of the single edits; none would say that the test tests nothing.
        expect(plain.length).toBeGreaterThan(records.length / 10);
        const refused = await database.sql`
            with plain_records as (
                select * from jsonb_to_recordset(${JSON.stringify(plain.map(asRow))}::text::jsonb)
                as plain_records (
                    event_id text, event_type text, product_id text, user_id text, event_timestamp text,
                    quantity text, price text, plain_second bigint
                )
            )
            select plain_records.*
            from plain_records
            where
                ingest.event_id_reason(ingest.trimmed(event_id)) is not null
                or ingest.event_timestamp_reason(ingest.trimmed(event_timestamp), '9999-12-31 23:59:59') is not null
                or to_timestamp(plain_second) <> (event_timestamp || 'Z')::timestamptz
                or ingest.quantity_reason(ingest.trimmed(quantity)) is not null
                or ingest.price_reason(ingest.trimmed(price)) is not null
            limit 5`;
        expect([...refused]).toEqual([]);
    });

    test("is what most files hold: every value in its commonest form, two of them perhaps empty", () => {
        expect(isPlain(good)).toBe(true);
        expect(isPlain(withValue("quantity", ""))).toBe(true);
        expect(isPlain(withValue("price", ""))).toBe(true);
        expect(isPlain(withValue("price", "12345678.9"))).toBe(true);
        expect(isPlain(withValue("event_id", good[0].toUpperCase()))).toBe(true);
    });

    test.each([
        ["event_id", "018f0000-0000-4000-8000-00000000000"],
        ["event_id", "018f0000-0000-4000-8000-00000000000aa"],
        ["event_timestamp", "2023-02-29 00:00:00"],
        ["event_timestamp", "2024-01-01 24:00:00"],
        ["event_timestamp", "1969-12-31 23:59:59"],
        ["event_timestamp", "2024-01-01 00:00:00Z"],
        ["quantity", "1234567890"],
        ["quantity", "-1"],
        ["price", "1."],
        ["price", ".5"],
        ["price", "1.234"],
        ["price", "123456789"],
    ] as const)("has no %s like %p", (column, value) => {
        expect(isPlain(withValue(column, value))).toBe(false);
    });

    test("has as many values as the file has columns, and anything in those that are no event's", () => {
        const targets = [...columns, null, "ignored" as const];
        const check = createPlainCheck({
            stream: eventsStream,
            targets,
            dialect: { ...defaultDialect, delimiter: ";" },
        });
        const judge = (record: string) => check(Buffer.from(record), 0, record.length) !== NOT_PLAIN;
        expect(judge([...good, "x y", ""].join(";"))).toBe(true);
        expect(judge([...good, ""].join(";"))).toBe(false);
        expect(judge([...good, "", "", ""].join(";"))).toBe(false);
    });
});

describe("the second of a time in a table of one's own", () => {
    const two = fc.nat(99).map((number) => String(number).padStart(2, "0"));
    const near = (from: number, to: number) =>
        fc.integer({ min: from, max: to }).map((number) => String(number).padStart(2, "0"));
    const dates = fc
        .tuple(
            fc.oneof(fc.constantFrom("1969", "1970", "2024", "9998", "9999"), near(1970, 2100)),
            near(1, 12),
            near(1, 31),
        )
        .map((parts) => parts.join("-"));
    const times = fc.tuple(near(0, 23), near(0, 59), near(0, 59)).map((parts) => parts.join(":"));
    const decimals = fc.oneof(
        { weight: 3, arbitrary: fc.constant("") },
        fc.constantFrom(".0", ".5", ".000001", ".", ".1234567"),
    );
    const offsets = fc.oneof(
        fc.constantFrom("", "Z", "+00", "-00:30", "+14:00", "+15", " "),
        fc.tuple(fc.constantFrom("+", "-"), two, fc.constantFrom("", ":"), two).map((parts) => parts.join("")),
    );
    const moments = fc.tuple(dates, fc.constantFrom(" ", "T"), times, decimals, offsets).map((parts) => parts.join(""));

    test.each([
        ["timestamptz", "timestamp with time zone"],
        ["timestamp", "timestamp without time zone"],
    ])("%s: as Postgres reads it, or none", async (name, type) => {
        const rule = timestampRule({
            baseType: `pg_catalog.${name}`,
            baseTypeText: type,
            precision: null,
        } as CatalogType);
        const plainEnd: PlainEnd = (bytes, start, end) => Math.max(start, rule.loader.plainEnd!(bytes, start, end));
        const nullable = { ...rule.loader, plainEnd };
        const column = { name: "at", ident: "at", type: nullable, isRequired: false, reasons: [] };
        const word = { ...column, name: "word", ident: "word", type: text };
        const check = createPlainCheck({
            stream: { ...eventsStream, columns: [column, word], time: null },
            targets: [column, word],
            dialect: defaultDialect,
        });
        const told = fc.sample(fc.tuple(moments, fc.constantFrom("", "-00", "2024-05-01 10:00:00")), 5000);
        const seconds = told.flatMap(([at, behind]) => {
            const record = Buffer.from(`9${at},${behind}-05`);
            const second = check(record, 1, record.length - 3);
            return second > 0 ? [{ at, second }] : [];
        });
        expect(seconds.length).toBeGreaterThan(100);
        const wrong = await database.sql.unsafe(
            `select * from jsonb_to_recordset($1::text::jsonb) as seconds (at text, second bigint)
            where to_timestamp(second) <> ${name === "timestamptz" ? "at::timestamptz" : "at::timestamp at time zone 'UTC'"}
            limit 5`,
            [JSON.stringify(seconds)],
        );
        expect([...wrong]).toEqual([]);
        const record = Buffer.from(",2024-05-01 10:00:00+02");
        expect(check(record, 0, record.length)).toBe(0);
    });
});
