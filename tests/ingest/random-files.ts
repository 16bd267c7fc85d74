/** fast-check generators of CSV files that are valid, and of everything that files are in practice. */
import fc from "fast-check";

const columns = ["event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "price"];
const optionalColumns = ["quantity", "price"];

/** Few ids, so that records meet; some that none may have. */
const eventId = fc.oneof(
    { weight: 12, arbitrary: fc.nat(40).map((no) => `018f0000-0000-4000-8000-0000000000${hex(no)}`) },
    { weight: 2, arbitrary: fc.nat(40).map((no) => `018F0000-0000-4000-8000-0000000000${hex(no).toUpperCase()}`) },
    {
        weight: 1,
        arbitrary: fc.constantFrom(
            "",
            "018f0000000040008000000000000001",
            "{018f0000-0000-4000-8000-000000000001}",
            "018f0000-0000-4000-8000-00000000000g",
            "018f0000-0000-4000-8000-0000000000011",
            "018f-0000-0000-4000-8000-00000000001",
        ),
    },
);
const hex = (no: number) => no.toString(16).padStart(2, "0");

const eventType = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom("view", "add_to_cart", "remove_from_cart", "purchase") },
    { weight: 1, arbitrary: fc.constantFrom("", "View", "buy", "view\u00a0", "null") },
);

const name = fc.oneof(
    {
        weight: 8,
        arbitrary: fc.constantFrom("p1", "p2", "Ünï 日本 🙂", "a\\b", "\\N", "\\.", "\\", "tab\there", "x;y|z", "'q'"),
    },
    { weight: 1, arbitrary: fc.constantFrom("", "y".repeat(100), "y".repeat(101), "é".repeat(100), "🙂".repeat(101)) },
    {
        weight: 1,
        arbitrary: fc.constantFrom("two\nlines", "two\r\nlines", "\\.\n\\.", 'say ""hi""', ",", "\u0001\u001f"),
    },
);

const eventTimestamp = fc.oneof(
    {
        weight: 10,
        arbitrary: fc.constantFrom(
            "2024-05-01 10:00:00",
            "2024-05-01T10:00:00Z",
            "2024-05-01T12:00:00.000+02:00",
            "2024-02-29 23:59:59.999999-1130",
            "1970-01-01 00:00:00+00",
            "2023-12-31T23:59:59.5",
        ),
    },
    {
        weight: 2,
        arbitrary: fc.constantFrom(
            "",
            "now",
            "infinity",
            "2024-13-01 00:00:00",
            "2023-02-29 00:00:00",
            "2024-01-01 24:00:00",
            "2024-01-01 00:00:60",
            "2024-01-02 03:04:05 epoch",
            "2024-01-02 03:04:05 PM",
            "2024-01-02 03:04:05 BC",
            "2024-01-02 03:04:05.1234567",
            "2024-01-02 03:04:05.123456700",
            "2024-01-02 03:04:05.123456000+01",
            "1970-01-01 00:30:00+02:00",
            "1969-12-31 23:30:00-02:00",
            "2024-01-02 03:04:05.",
            "2024-01-02 03:04:05+16",
            "2024-01-02 03:04:05+15:59",
            "2024-01-02 03:04:05+0160",
            "2024-01-02 03:04:05 America/New_York",
            "1969-12-31 23:59:59",
            "2999-01-01 00:00:00",
            "2024-1-2 3:4:5",
            "01/02/2024 00:00:00",
        ),
    },
);

const quantity = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("", "0", "1", "007", "2147483647") },
    {
        weight: 1,
        arbitrary: fc.constantFrom(
            "-1",
            "-0",
            "+1",
            "1.0",
            "2147483648",
            "99999999999999999999",
            "0x1F",
            "1_000",
            "1e3",
            "NaN",
            "٣",
        ),
    },
);

const price = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("", "0", "0.5", "12.34", "12.340", "00012.30", "99999999.99") },
    {
        weight: 1,
        arbitrary: fc.constantFrom(
            "-1",
            "-0.00",
            "12.345",
            "100000000",
            "1e2",
            ".5",
            "5.",
            ".",
            "1.2.3",
            "NaN",
            "Infinity",
            "$5",
        ),
    },
);

const attribute = fc.constantFrom("", "", "red", '{"a":1}', "null", "\\N", "ü", "a\\\\b\\t", "x\ny", "0");

const valuesOf = new Map<string, fc.Arbitrary<string>>([
    ["event_id", eventId],
    ["event_type", eventType],
    ["product_id", name],
    ["user_id", name],
    ["event_timestamp", eventTimestamp],
    ["quantity", quantity],
    ["price", price],
]);

/** The same few records over and over, spelled in different ways: duplicates. */
const repeatedValuesOf = new Map<string, fc.Arbitrary<string>>([
    ["event_id", fc.nat(5).map((no) => `018f0000-0000-4000-8000-0000000001${hex(no)}`)],
    ["event_type", fc.constant("view")],
    ["product_id", fc.constant("p1")],
    ["user_id", fc.constant("u1")],
    [
        "event_timestamp",
        fc.constantFrom("2024-05-01 10:00:00", "2024-05-01T10:00:00Z", "2024-05-01T12:00:00.000+02:00"),
    ],
    ["quantity", fc.constantFrom("1", "01")],
    ["price", fc.constantFrom("0.5", "0.50", "00.500")],
]);

const padding = fc.oneof(
    { weight: 12, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constantFrom(" ", "\t", "  ", "\f", "\v", "\u00a0") },
);

/** A value as a field: quoted where it must be, or anyway. */
const fieldOf = (value: fc.Arbitrary<string>) =>
    fc.tuple(value, padding, padding, fc.integer({ min: 0, max: 9 })).map(([text, before, after, chance]) => {
        const padded = `${before}${text}${after}`;
        const isQuoted = chance === 0 || /[,\n\r"]/.test(padded);
        return isQuoted ? `"${padded.replace(/""|"/g, '""')}"` : padded;
    });

const lineEnd = fc.oneof(
    { weight: 10, arbitrary: fc.constant("\n") },
    { weight: 4, arbitrary: fc.constant("\r\n") },
    { weight: 1, arbitrary: fc.constantFrom("\n\n", "\r\n\r\n", "\r\r\n", "\n \n") },
);

/** A line that is no record of seven values, or bytes that are no text. */
const brokenLine = fc.constantFrom(
    ...["short", ",".repeat(30), 'stray"quote,a,b', '"open,a,b', '"a"b,c', "\\.", '"', "a\0b", "a\rb", "\ufeffx,y"].map(
        (text) => Buffer.from(text),
    ),
    Buffer.from([0xff, 0x2c, 0xfe]),
    Buffer.from([0x61, 0xc3, 0x2c]),
);

const noise = fc.constantFrom(
    ...[",", '"', "\n", "\r", "\0", "\\", "\\.\n", " ", "é"].map((text) => Buffer.from(text)),
    Buffer.of(0xff),
);

const unknownColumns = fc.oneof(
    { weight: 4, arbitrary: fc.constant<string[]>([]) },
    {
        weight: 2,
        arbitrary: fc.uniqueArray(
            fc.constantFrom("campaign", "Größe", 'a "b"', "x\\y", "__proto__", "two\nlines", "events"),
            {
                minLength: 1,
                maxLength: 4,
            },
        ),
    },
    {
        weight: 1,
        arbitrary: fc.integer({ min: 14, max: 18 }).map((count) => Array.from({ length: count }, (_, no) => `c${no}`)),
    },
);

/** A file with a header that can be read. Its records may be anything. */
export const anyFile: fc.Arbitrary<Buffer> = fc
    .tuple(
        fc.shuffledSubarray(columns, { minLength: columns.length }),
        fc.subarray(optionalColumns, { minLength: 1 }),
        unknownColumns,
        fc.boolean(),
    )
    .chain(([shuffled, kept, unknown, isShuffled]) => {
        const known = (isShuffled ? shuffled : columns).filter(
            (column) => !optionalColumns.includes(column) || kept.includes(column),
        );
        const names = isShuffled ? [...unknown, ...known] : [...known, ...unknown];
        const recordOf = (values: Map<string, fc.Arbitrary<string>>, others: fc.Arbitrary<string>) =>
            fc
                .tuple(...names.map((column) => fieldOf(values.get(column) ?? others)))
                .map((fields) => Buffer.from(fields.join(",")));
        const record = fc.oneof(
            { weight: 3, arbitrary: recordOf(valuesOf, attribute) },
            { weight: 1, arbitrary: recordOf(repeatedValuesOf, fc.constant("")) },
        );
        const line = fc.tuple(
            fc.oneof({ weight: 20, arbitrary: record }, { weight: 1, arbitrary: brokenLine }),
            lineEnd.map((end) => Buffer.from(end)),
        );
        return fc
            .record({
                bom: fc.integer({ min: 0, max: 5 }),
                headerEnd: fc.constantFrom("\n", "\r\n", "\n\n"),
                lines: fc.array(line, { maxLength: 14 }),
                tail: fc.oneof(
                    fc.constant(null),
                    record,
                    fc.constantFrom(Buffer.from("\r"), Buffer.from('"'), Buffer.from("x")),
                ),
                noises: fc.oneof(
                    { weight: 3, arbitrary: fc.constant([]) },
                    { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(2_000), noise), { maxLength: 3 }) },
                ),
            })
            .map(({ bom, headerEnd, lines, tail, noises }) => {
                const header = names.map((column) => `"${column.replaceAll('"', '""')}"`.replace(/^"(\w+)"$/, "$1"));
                const start = Buffer.from(`${bom === 0 ? "\ufeff" : ""}${header.join(",")}${headerEnd}`);
                let body = Buffer.concat([...lines.flat(), ...(tail ? [tail] : [])]);
                for (const [position, bytes] of noises) {
                    const at = position % (body.length + 1);
                    body = Buffer.concat([body.subarray(0, at), bytes, body.subarray(at)]);
                }
                return Buffer.concat([start, body]);
            });
    });
