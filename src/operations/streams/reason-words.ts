/** What a reject code means, in a sentence, and a value that gets it. Pure. */
import type { ContractCode } from "./contract-schema.ts";

interface Column {
    name: string;
    type: string;
    values: string[] | null;
    /** CHECKs of its domains. */
    rules?: readonly { name: string; expression: string }[];
}

interface Words {
    sentence: string;
    example: string | null;
}

/** By the reason, without the column's name. */
export function wordsOf(reason: string, column: Column): Words {
    const describe = words[reason];
    if (describe !== undefined) {
        const { sentence, example } = describe(column);
        return { sentence, example: inContainer(column.type, reason, example) };
    }
    const rule = column.rules?.find(({ name }) => name === reason);
    if (rule !== undefined) {
        return { sentence: `The CHECK of its domain must hold: ${rule.expression}.`, example: null };
    }
    return { sentence: `It breaks the rule \`${reason}\` of ${column.type}.`, example: null };
}

const words: Record<string, (column: Column) => Words> = {
    missing: () => ({ sentence: "The value is empty, and the column does not accept null.", example: "" }),
    invalid: ({ type }) => ({ sentence: `The value is not a valid ${type}.`, example: invalidFor(type) }),
    unknown: ({ values }) => ({
        sentence:
            values === null
                ? "The value is not one of the known values."
                : `The value is not one of ${values.join(", ")}.`,
        example: "no such value",
    }),
    too_long: ({ type }) => ({ sentence: `The value is longer than ${type} allows.`, example: tooLongFor(type) }),
    too_short: ({ type }) => ({ sentence: `The value is shorter than ${type} allows.`, example: null }),
    too_precise: ({ type }) => ({
        sentence: `The value has more decimals than ${type} stores. Sluice rejects it and does not round.`,
        example: tooPreciseFor(type),
    }),
    out_of_range: ({ type }) => ({
        sentence: `The value is out of the range of ${type}.`,
        example: outOfRangeFor(type),
    }),
    repeated_key: () => ({
        sentence: "A key occurs twice, and Postgres would keep only one of them.",
        example: '{"a": 1, "a": 2}',
    }),
    negative: () => ({ sentence: "The value is below zero.", example: "-1" }),
    ambiguous: () => ({
        sentence:
            "The time occurs twice in its zone, because clocks went back. Declare which one is meant (fold), or write offsets.",
        example: "2025-10-26 02:30:00 (in Europe/Berlin)",
    }),
    skipped: () => ({
        sentence: "The time does not exist in its zone, because clocks went forward.",
        example: "2025-03-30 02:30:00 (in Europe/Berlin)",
    }),
    too_early: () => ({ sentence: "The time is before 1970.", example: "1969-12-31 23:59:59" }),
    in_future: () => ({
        sentence: "The time is more than a day ahead of the database's clock.",
        example: "9999-12-31 00:00:00",
    }),
};

/** An example of an element as an array, or of a bound as a range. */
function inContainer(type: string, reason: string, example: string | null): string | null {
    if (example === null || reason === "missing") return example;
    if (type.endsWith("[]")) return reason === "invalid" ? "not an array" : `{${example}}`;
    if (/^ts(?:tz)?range$/.test(type) && reason === "too_precise") return `[${example},)`;
    return example;
}

function invalidFor(type: string): string {
    if (/^uuid/.test(type)) return "not-a-uuid";
    if (/^(?:date|timestamp)/.test(type)) return "2026-02-30";
    if (/^time/.test(type)) return "25:00";
    if (/^(?:smallint|integer|bigint|numeric|real|double)/.test(type)) return "12 apples";
    if (/^json/.test(type)) return "{";
    if (type === "xml") return "<a>";
    if (/^bool/.test(type)) return "perhaps";
    return "?";
}

function tooLongFor(type: string): string | null {
    const length = Number(/\((\d+)\)/.exec(type)?.[1] ?? Number.NaN);
    return Number.isNaN(length) || length > 60 ? null : (/^bit/.test(type) ? "1" : "x").repeat(length + 1);
}

function tooPreciseFor(type: string): string {
    if (/^(?:timestamp|ts(?:tz)?range)/.test(type)) return "2026-01-31 07:29:31.1234567";
    if (/^time/.test(type)) return "07:29:31.1234567";
    if (/^interval/.test(type)) return "1.1234567 seconds";
    const scale = Number(/,\s*(-?\d+)\)/.exec(type)?.[1] ?? 0);
    return `0.${"0".repeat(Math.max(0, scale))}1`;
}

function outOfRangeFor(type: string): string | null {
    const limits: Record<string, string> = {
        smallint: "32768",
        integer: "2147483648",
        bigint: "9223372036854775808",
        real: "1e39",
        "double precision": "1e309",
    };
    const [, precision, scale] = /^numeric\((\d+)(?:,\s*(-?\d+))?\)/.exec(type) ?? [];
    if (precision !== undefined) return `1${"0".repeat(Math.max(0, Number(precision) - Number(scale ?? 0)))}`;
    return limits[type] ?? null;
}

/** Of lines that cannot be split into values, and of records that the table refuses. */
export const codesOfAnyStream: Record<string, Words> = {
    too_few_fields: { sentence: "The line has fewer values than the header has columns.", example: "only,two" },
    too_many_fields: { sentence: "The line has more values than the header has columns.", example: "1,2,3,and more" },
    unnamed_value: { sentence: "A column without a name in the header has a value.", example: "1,x" },
    stray_quote: { sentence: "A quote occurs inside an unquoted value.", example: 'p"1' },
    unclosed_quote: { sentence: "A quote opens and never closes.", example: '"p-1' },
    stray_carriage_return: {
        sentence: "A carriage return outside quotes does not end a line.",
        example: "p\\x0d1",
    },
    nul_byte: { sentence: "The line has a NUL byte, which text cannot have.", example: "p\\x001" },
    invalid_utf8: { sentence: "The bytes are invalid in the file's encoding.", example: "p\\xff" },
    record_too_long: { sentence: "The record is longer than --max-record-bytes.", example: null },
    header_repeated: { sentence: "The line repeats the header.", example: null },
    refused_by_table: {
        sentence: "The table refuses the record: `refusal` has the SQLSTATE, the constraint and the message.",
        example: null,
    },
};

/** Of a stream with `partitions`. */
export const differsFromPath: Words = {
    sentence: "The record has another value in a column of `partitions` than the folder that the file lies in.",
    example: null,
};

/** Of a stream without a key. */
export const continuedTail: Words = {
    sentence: "A part of the record was read before, without its line end, and may be a row already.",
    example: null,
};

export function codeOf(column: Column, reason: string): ContractCode {
    return { code: `${column.name}_${reason}`, column: column.name, ...wordsOf(reason, column) };
}
