/** The types as docs/types.md lists them. Its examples are tried, and its reasons compared with those of the rules. */

export interface DocumentedType {
    /** As `create table` takes them, all with this rule. */
    types: readonly string[];
    /** In the document in place of them. */
    title?: string;
    form: string;
    accepted: readonly string[];
    refused: readonly (readonly [text: string, reason: string])[];
    reasons: readonly string[];
    /** What makes the types, where they are not Postgres's own. */
    setup?: string;
}

export const documentedTypes: readonly DocumentedType[] = [
    {
        types: ["smallint", "integer", "bigint"],
        form: "Digits, with an optional sign.",
        accepted: ["42", "-7", "+7", "007"],
        refused: [
            ["1.0", "invalid"],
            ["0x1F", "invalid"],
            ["1_000", "invalid"],
            ["9223372036854775808", "out_of_range"],
        ],
        reasons: ["invalid", "out_of_range"],
    },
    {
        types: ["numeric(10,2)"],
        title: "numeric(p,s)",
        form: "A decimal number, with an optional exponent. Trailing zeros do not count as decimals.",
        accepted: ["12.5", "12.500", "-0.01", "1.2e3"],
        refused: [
            ["12.345", "too_precise"],
            ["123456789", "out_of_range"],
            ["NaN", "invalid"],
            ["1,5", "invalid"],
        ],
        reasons: ["invalid", "too_precise", "out_of_range"],
    },
    {
        types: ["numeric"],
        form: "A decimal number with any number of decimals, with an optional exponent.",
        accepted: ["0.1234567890123456789", "1e-30"],
        refused: [
            ["Infinity", "invalid"],
            ["1e200000", "out_of_range"],
        ],
        reasons: ["invalid", "out_of_range"],
    },
    {
        types: ["real", "double precision"],
        form: "A decimal number, with an optional exponent. Postgres stores the nearest value of the type, as these types are defined.",
        accepted: ["0.1", "1e10", "-0"],
        refused: [
            ["1e400", "out_of_range"],
            ["1e-400", "out_of_range"],
            ["NaN", "invalid"],
        ],
        reasons: ["invalid", "out_of_range"],
    },
    {
        types: ["boolean"],
        form: "t, f, true, false, y, n, yes, no, on, off, 1 or 0, in any case.",
        accepted: ["t", "FALSE", "Yes", "0"],
        refused: [
            ["tr", "invalid"],
            ["2", "invalid"],
        ],
        reasons: ["invalid"],
    },
    {
        types: ["text", "varchar", "bpchar", "citext"],
        form: "Any text.",
        accepted: ["a", "ä, 'b'"],
        refused: [],
        reasons: [],
    },
    {
        types: ["varchar(3)", "char(3)"],
        title: "varchar(n), char(n)",
        form: "Up to n characters.",
        accepted: ["abc", "äöü"],
        refused: [["abcd", "too_long"]],
        reasons: ["too_long"],
    },
    {
        types: ["name", '"char"'],
        form: 'Up to 63 bytes; for "char" one byte.',
        accepted: ["a"],
        refused: [["é".repeat(40), "too_long"]],
        reasons: ["too_long"],
    },
    {
        types: ["date"],
        form: "YYYY-MM-DD, years 0001 to 9999.",
        accepted: ["2024-02-29"],
        refused: [
            ["2023-02-29", "invalid"],
            ["01/02/2024", "invalid"],
            ["2024-01-02 10:00:00", "invalid"],
            ["today", "invalid"],
            ["infinity", "invalid"],
        ],
        reasons: ["invalid"],
    },
    {
        types: ["timestamp", "timestamp(3)"],
        title: "timestamp(p)",
        form: "A date, a space or T, and HH:MM, optionally with seconds and up to p (6) decimals. A date alone means midnight.",
        accepted: ["2024-01-02 10:00:00", "2024-01-02T10:00:00.123", "2024-01-02 10:00", "2024-01-02"],
        refused: [
            ["2024-01-02T10:00:00Z", "invalid"],
            ["2024-01-02 10:00:00+02", "invalid"],
            ["2024-01-02 24:00:00", "invalid"],
            ["2024-01-02 10:00:60", "invalid"],
            ["2024-01-02 10:00:00.1234567", "too_precise"],
        ],
        reasons: ["invalid", "too_precise"],
    },
    {
        types: ["timestamptz", "timestamptz(3)"],
        title: "timestamptz(p)",
        form: "As timestamp, with an optional offset: Z, UTC, +02, +0200 or +02:00. Without one it is UTC.",
        accepted: ["2024-01-02T10:00:00Z", "2024-01-02 10:00:00.5 +02:00", "2024-01-02 10:00:00"],
        refused: [
            ["2024-01-02 10:00:00 Europe/Berlin", "invalid"],
            ["now", "invalid"],
            ["2024-01-02 10:00:00.1234567Z", "too_precise"],
        ],
        reasons: ["invalid", "too_precise"],
    },
    {
        types: ["time", "timetz", "time(3)"],
        title: "time(p), timetz(p)",
        form: "HH:MM, optionally with seconds and up to p (6) decimals; for timetz with an optional offset (default UTC).",
        accepted: ["10:00", "23:59:59.999"],
        refused: [
            ["24:00:00", "invalid"],
            ["10:00 PM", "invalid"],
            ["10:00:00.1234567", "too_precise"],
        ],
        reasons: ["invalid", "too_precise"],
    },
    {
        types: ["interval"],
        form: "Whole numbers with units, and a time; or ISO 8601 with designators. Only seconds may have decimals, up to 6.",
        accepted: ["1 year 2 mons 3 days 04:05:06.5", "90 minutes", "-1 day", "P1Y2M3DT4H", "36:00:00"],
        refused: [
            ["1.5 days", "invalid"],
            ["0.5 months", "invalid"],
            ["1 day ago", "invalid"],
            ["0.0000001 seconds", "too_precise"],
        ],
        reasons: ["invalid", "too_precise"],
    },
    {
        types: ["uuid"],
        form: "With dashes, in any case.",
        accepted: ["018F0000-0000-4000-8000-00000000000a"],
        refused: [
            ["018f0000000040008000000000000000", "invalid"],
            ["{018f0000-0000-4000-8000-00000000000a}", "invalid"],
        ],
        reasons: ["invalid"],
    },
    {
        types: ["json"],
        form: "A JSON document. Its text is stored unchanged.",
        accepted: ['{"a":1,"a":2}'],
        refused: [["{a:1}", "invalid"]],
        reasons: ["invalid"],
    },
    {
        types: ["jsonb"],
        form: "A JSON document without repeated keys, because Postgres would keep only the last.",
        accepted: ['{"a":[1,null]}', "1.50"],
        refused: [
            ['{"a":1,"a":2}', "repeated_key"],
            ['"\\u0000"', "invalid"],
        ],
        reasons: ["invalid", "repeated_key"],
    },
    {
        types: ["bytea"],
        form: "`\\x` and pairs of hex digits.",
        accepted: ["\\xDEADbeef", "\\x"],
        refused: [["hello", "invalid"]],
        reasons: ["invalid"],
    },
    {
        types: ["inet", "cidr"],
        form: "An IPv4 address with all four numbers, or an IPv6 address; with an optional mask.",
        accepted: ["10.0.0.0/8", "2001:db8::1"],
        refused: [
            ["10.1", "invalid"],
            ["010.0.0.1", "invalid"],
        ],
        reasons: ["invalid"],
    },
    {
        types: ["macaddr"],
        form: "Six bytes in one of Postgres's forms.",
        accepted: ["08:00:2b:01:02:03", "0800.2b01.0203"],
        refused: [["8:0:2b:1:2:3", "invalid"]],
        reasons: ["invalid"],
    },
    {
        types: ["macaddr8"],
        form: "Eight bytes. Six are refused, because Postgres would expand them to eight.",
        accepted: ["08:00:2b:01:02:03:04:05"],
        refused: [["08:00:2b:01:02:03", "invalid"]],
        reasons: ["invalid"],
    },
    {
        types: ["bit(3)"],
        title: "bit(n)",
        form: "n zeros and ones.",
        accepted: ["101"],
        refused: [
            ["10", "invalid"],
            ["1010", "too_long"],
        ],
        reasons: ["invalid", "too_long"],
    },
    {
        types: ["varbit(3)"],
        title: "bit varying(n)",
        form: "Up to n zeros and ones.",
        accepted: ["10"],
        refused: [
            ["X1F", "invalid"],
            ["1010", "too_long"],
        ],
        reasons: ["invalid", "too_long"],
    },
    {
        types: ["mood"],
        title: "an enum",
        form: "One of its labels. A new label is accepted at once.",
        accepted: ["happy"],
        refused: [["Happy", "unknown"]],
        reasons: ["unknown"],
        setup: "create type mood as enum ('happy', 'sad')",
    },
    {
        types: ["percent"],
        title: "a domain",
        form: "The rule of its base type, then its CHECKs. A violated CHECK gives its constraint name as the reason.",
        accepted: ["50"],
        refused: [
            ["5O", "invalid"],
            ["101", "percent_check"],
        ],
        reasons: ["invalid", "out_of_range", "percent_check"],
        setup: "create domain percent as integer check (value between 0 and 100)",
    },
    {
        types: ["numeric(10,2)[]"],
        title: "an array",
        form: "`{a,b}` or a JSON array; each element follows the rule of its type.",
        accepted: ["{1.5,NULL}", "[1.5, 2]", "{}"],
        refused: [
            ["{12.345}", "too_precise"],
            ["{{}}", "invalid"],
            ['["1"]', "invalid"],
        ],
        reasons: ["invalid", "too_precise", "out_of_range"],
    },
    {
        types: ["daterange"],
        title: "a range",
        form: "`[low,high)`; each bound follows the rule of its type. An empty range must be written `empty`.",
        accepted: ["[2024-01-01,2024-01-31]", "[2024-01-01,)", "empty"],
        refused: [
            ["[2024-01-01,infinity)", "invalid"],
            ["[2024-01-01,2024-01-01)", "invalid"],
        ],
        reasons: ["invalid"],
    },
    {
        types: ["int4multirange"],
        title: "a multirange",
        form: "Ranges that do not touch, because Postgres would join them.",
        accepted: ["{[1,3),[5,7)}"],
        refused: [["{[1,3),[2,5)}", "invalid"]],
        reasons: ["invalid", "out_of_range"],
    },
    {
        types: ["point", "lseg", "box", "path", "polygon", "circle", "line"],
        title: "point, lseg, box, path, polygon, circle, line",
        form: "Numbers in Postgres's notation; a line as {A,B,C}.",
        accepted: [],
        refused: [["(NaN,1)", "invalid"]],
        reasons: ["invalid"],
    },
    {
        types: ["address"],
        title: "a composite type",
        form: "A row exactly as Postgres prints it.",
        accepted: ['("Main street",5)'],
        refused: [["(Main street,05)", "invalid"]],
        reasons: ["invalid"],
        setup: "create type address as (street text, no integer)",
    },
    {
        types: ["tsvector", "tsquery", "pg_snapshot", "txid_snapshot", "xid", "xid8", "cid", "tid"],
        form: "Exactly as Postgres prints it.",
        accepted: [],
        refused: [["a  a", "invalid"]],
        reasons: ["invalid"],
    },
    {
        types: ["xml"],
        form: "A document or a fragment, without `<?xml …?>`.",
        accepted: ["<a>1</a>"],
        refused: [
            ["<a>", "invalid"],
            ['<?xml version="1.0"?><a/>', "invalid"],
        ],
        reasons: ["invalid"],
    },
    {
        types: ["jsonpath", "pg_lsn", "oid"],
        form: "Any text that Postgres reads; an oid in digits, unless a leading zero makes it octal (PostgreSQL 16 and later).",
        accepted: [],
        refused: [["?", "invalid"]],
        reasons: ["invalid"],
    },
    {
        types: ["hstore"],
        form: "Pairs without repeated keys.",
        accepted: ['"a"=>"1", "b"=>NULL'],
        refused: [
            ["a=>1, a=>2", "repeated_key"],
            ["a=>", "invalid"],
        ],
        reasons: ["invalid", "repeated_key"],
    },
    {
        types: ["ltree"],
        title: "other types of extensions (ltree, vector, PostGIS …)",
        form: "Any text that the type's input function accepts.",
        accepted: ["a.b.c"],
        refused: [["a..b", "invalid"]],
        reasons: ["invalid"],
    },
];

/** The table of the document. */
export function renderTypes(): string {
    const code = (text: string) => `\`${text.replaceAll("|", "\\|")}\``;
    const short = (text: string) => (text.length > 40 ? `${text.slice(0, 10)}…` : text);
    const rows = documentedTypes.map(({ types, title, form, accepted, refused, reasons }) => {
        const examples = refused.map(([text, reason]) => `${code(short(text))} ${reason}`);
        const cells = [
            title ?? types.join(", "),
            form,
            accepted.map(code).join("<br>"),
            examples.join("<br>"),
            reasons.join(", "),
        ];
        return `| ${cells.join(" | ")} |`;
    });
    return ["| type | what is accepted | examples | refused | reasons |", "|---|---|---|---|---|", ...rows].join("\n");
}
