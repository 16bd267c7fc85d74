/**
 * The scanner against the oracle's own splitter, and against itself when its input comes in pieces, on random bytes of
 * the alphabet that matters. fast-check prints seed and counterexample of a failure.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FileShape } from "../../src/engine/read/file-shape.ts";
import { createTelltale } from "../../src/engine/read/hidden-records.ts";
import type { ScanOptions } from "../../src/engine/read/scanned-records.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { type Dialect, defaultDialect, grammarOf } from "../../src/streams/dialect.ts";
import { splitRecords } from "../support/oracle/split-records.ts";
import { type ListedRecord, type Listing, listRecords } from "./list-records.ts";

/** More find more: 300 000 take half a minute. */
const runs = 3_000;

const id = "018f0000-0000-4000-8000-0000000000ab";
const texts = [
    ",",
    '"',
    "\n",
    "\r",
    "\r\n",
    "a",
    "7",
    " ",
    "\0",
    "é",
    "\\.",
    ",\n",
    '"\n',
    '""',
    "\ufeff",
    "\x1a",
    id,
    `\n${id},`,
];
const symbols = texts.map((text) => Buffer.from(text));
const symbol = fc.constantFrom(...symbols, Buffer.from([0xff]), Buffer.from([0xc3]));
const anyBytes = fc.array(symbol, { maxLength: 60 }).map((parts) => Buffer.concat(parts));
const anyOptions = fc
    .record({
        fieldCount: fc.integer({ min: 1, max: 4 }),
        keyPlace: fc.nat(3),
        maxRecordBytes: fc.oneof(
            fc.integer({ min: 1, max: 16 }),
            fc.integer({ min: 40, max: 120 }),
            fc.constant(1_000),
        ),
    })
    .map(({ fieldCount, keyPlace, maxRecordBytes }) => {
        const keyIndex = keyPlace % fieldCount;
        return { fieldCount, keyIndex, maxRecordBytes, telltale: telltaleOf(fieldCount, keyIndex) };
    });

function telltaleOf(fieldCount: number, keyIndex: number) {
    const targets = Array.from({ length: fieldCount }, (_, index) => (index === keyIndex ? eventsStream.key : null));
    const shape = {
        stream: eventsStream,
        targets,
        dialect: defaultDialect,
        source: null,
    } as Partial<FileShape> as FileShape;
    return createTelltale(shape);
}

const badKinds = ["nul_byte", "invalid_utf8"];
const splittableKinds = ["strict", "strict_quoted", "too_few_fields", "too_many_fields", ...badKinds];

/** Feeds `pieces` one after the other, each behind what the one before left over. */
function scanPieces(pieces: Buffer[], options: Partial<ScanOptions>): Omit<Listing, "hasEndMarker"> {
    const total = {
        records: [] as ListedRecord[],
        consumedBytes: 0,
        consumedLines: 0,
        tailByte: null as number | null,
        isPadded: false,
    };
    let carried: Buffer = Buffer.alloc(0);
    for (const [index, piece] of pieces.entries()) {
        const bytes = Buffer.concat([carried, piece]);
        const found = listRecords(bytes, { ...options, atEnd: index === pieces.length - 1 });
        for (const record of found.records) {
            const start = record.start + total.consumedBytes;
            total.records.push({ ...record, start, line: record.line + total.consumedLines });
        }
        if (found.tailByte !== null) total.tailByte = total.consumedBytes + found.tailByte;
        total.consumedBytes += found.consumedBytes;
        total.consumedLines += found.consumedLines;
        total.isPadded ||= found.isPadded;
        carried = bytes.subarray(found.consumedBytes);
    }
    return total;
}

function isTrimmed(value: string): boolean {
    return value === value.replace(/^[ \t\n\r\f\v]+/, "").replace(/[ \t\n\r\f\v]+$/, "");
}

describe("the scanner", () => {
    test("finds the records that the oracle's splitter finds, and splits as it does", () => {
        fc.assert(
            fc.property(anyBytes, anyOptions, (bytes, options) => {
                const { records } = listRecords(bytes, { ...options, atEnd: true });
                const { maxRecordBytes, fieldCount, keyIndex } = options;
                const layout = () => ({ width: fieldCount, keyPlace: keyIndex });
                const expected = [
                    ...splitRecords(bytes.toString("latin1"), { delimiter: ",", maxRecordBytes, layout }),
                ];

                expect(records.map(({ start, text }) => [start, start + text.length])).toEqual(
                    expected.map(({ start, end }) => [start, end]),
                );
                for (const [index, { kind, text }] of records.entries()) {
                    const { values } = expected[index]!;
                    // Bad bytes are told before a stray carriage return.
                    const hasBoth = badKinds.includes(kind) && text.includes("\r") && values === null;
                    expect([text, splittableKinds.includes(kind)]).toEqual([text, values !== null || hasBoth]);
                    if (values === null) continue;
                    if (text.includes("\0")) expect(kind).toBe("nul_byte");
                    else if (kind === "invalid_utf8") expect(text).toMatch(/[\xc3\xff]/);
                    else if (values.length < fieldCount) expect(kind).toBe("too_few_fields");
                    else if (values.length > fieldCount) expect(kind).toBe("too_many_fields");
                    else expect(kind).toBe(text.includes('"') ? "strict_quoted" : "strict");
                }
            }),
            { numRuns: runs },
        );
    });

    test("says of the same bytes the same, in however many pieces they come", () => {
        const cuts = fc.array(fc.nat(120), { maxLength: 4 });
        fc.assert(
            fc.property(anyBytes, cuts, anyOptions, (bytes, cutAt, options) => {
                const bounds = [0, ...cutAt.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort(
                    (left, right) => left - right,
                );
                const pieces = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
                const { hasEndMarker: _, ...whole } = listRecords(bytes, { ...options, atEnd: true });
                expect(scanPieces(pieces, options)).toEqual(whole);
            }),
            { numRuns: runs },
        );
    });

    test("finds of each record what it finds when it begins there, whatever it looked over before, in every dialect of quotes", () => {
        const dialects: Partial<Dialect>[] = [
            {},
            { hasLenientQuotes: true },
            { hasLenientQuotes: true, trimsQuoted: true, lineEnd: "any" },
            { hasLenientQuotes: true, escape: "\\" },
        ];
        const parts = fc.constantFrom(
            ...['"', '"', ",", "\n", "\n", "a", " ", "\r", "\\", '","', `\n${id},aaaaaaaaaaaa\n`, '\na","a\n'],
        );
        const input = fc.array(parts, { minLength: 6, maxLength: 40 }).map((texts) => Buffer.from(texts.join("")));
        fc.assert(
            fc.property(
                input,
                fc.constantFrom(...dialects),
                anyOptions,
                fc.boolean(),
                (bytes, spelled, options, atEnd) => {
                    const grammar = grammarOf({ ...defaultDialect, ...spelled });
                    const { records } = listRecords(bytes, { ...options, grammar, atEnd });
                    for (const { start, text, kind } of records) {
                        const alone = listRecords(bytes.subarray(start), {
                            ...options,
                            grammar,
                            atEnd,
                            stopAfterBytes: 1,
                        });
                        expect(alone.records[0]).toMatchObject({ start: 0, text, kind });
                    }
                },
            ),
            { numRuns: 4 * runs },
        );
    });

    test("promise 7: a megabyte of lines that each leave a quote open ends, as each byte behind them is looked at once", () => {
        const lenient = grammarOf({ ...defaultDialect, hasLenientQuotes: true });
        const options = { fieldCount: 7, keyIndex: 0, maxRecordBytes: 1024 * 1024, telltale: telltaleOf(7, 0) };
        const lines = 150_000;
        const { records } = listRecords('a","b\n'.repeat(lines), { ...options, grammar: lenient, atEnd: true });
        expect([records.length, new Set(records.map(({ kind }) => kind))]).toEqual([
            lines,
            new Set(["unclosed_quote"]),
        ]);
    }, 60_000);

    test("stops at the first record end that reaches the byte it was told, and says the same up to there", () => {
        fc.assert(
            fc.property(anyBytes, fc.nat(60), anyOptions, (bytes, stopAfterBytes, options) => {
                const whole = listRecords(bytes, { ...options, atEnd: true });
                const stopped = listRecords(bytes, { ...options, atEnd: true, stopAfterBytes });
                expect(stopped.records).toEqual(whole.records.slice(0, stopped.records.length));
                expect(stopped.consumedBytes).toBeGreaterThanOrEqual(Math.min(stopAfterBytes, whole.consumedBytes));
                const last = stopped.records.at(-1);
                if (last && stopped.records.length < whole.records.length) {
                    const next = whole.records[stopped.records.length]!;
                    expect(next.start).toBeGreaterThanOrEqual(stopped.consumedBytes);
                }
            }),
            { numRuns: runs },
        );
    });

    test("never calls values unpadded that have white space around them, or are empty in quotes", () => {
        fc.assert(
            fc.property(anyBytes, anyOptions, (bytes, { fieldCount }) => {
                const text = bytes.toString("latin1");
                const split = [...splitRecords(text, { delimiter: ",", maxRecordBytes: 1_000 })];
                const needsTrim = split.some(
                    ({ values, start, end }) =>
                        values?.length === fieldCount &&
                        (!values.every(isTrimmed) || text.slice(start, end).includes('""')),
                );
                const { isPadded } = listRecords(bytes, { fieldCount, atEnd: true });
                expect(isPadded || !needsTrim).toBe(true);
            }),
            { numRuns: runs },
        );
    });

    test("gives records of the same key the same slice: the last hex digit of the trimmed key", () => {
        fc.assert(
            fc.property(anyBytes, fc.integer({ min: 0, max: 2 }), (bytes, keyIndex) => {
                const layout = () => ({ width: 3, keyPlace: keyIndex });
                const split = [
                    ...splitRecords(bytes.toString("latin1"), { delimiter: ",", maxRecordBytes: 1_000, layout }),
                ];
                const telltale = telltaleOf(3, keyIndex);
                const { records } = listRecords(bytes, { fieldCount: 3, keyIndex, telltale, atEnd: true });
                for (const [index, { slice, kind }] of records.entries()) {
                    const key = split[index]!.values?.[keyIndex]?.replace(/[ \t\n\r\f\v]+$/, "") ?? "";
                    const digit = key.at(-1) ?? "";
                    if (!kind.startsWith("strict") || !/[0-9a-f]/i.test(digit)) continue;
                    expect(slice).toBe(Number.parseInt(digit, 16));
                }
            }),
            { numRuns: runs },
        );
    });
});
