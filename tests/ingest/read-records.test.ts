/** The stream of a chunk's records: over the borders of its blocks, past lines of any length, within bounded memory. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { InputChanged, type InputFile } from "../../src/engine/read/open-input.ts";
import { type ReadOutcome, type RecordRange, readInMemory, readRecords } from "../../src/engine/read/read-records.ts";
import { recordKinds } from "../../src/engine/read/scanned-records.ts";
import { fileOf, virtualFile } from "./virtual-file.ts";

const MiB = 1024 * 1024;

interface ReadRecord {
    text: string;
    kind: string;
    recordNo: number;
    lineNo: number;
    byte: number;
}

/** Reads a whole range; record and line numbers count from 0 in the chunk. Texts are only kept when they are short. */
async function readAll(
    file: InputFile,
    options: Partial<RecordRange> = {},
): Promise<{ records: ReadRecord[]; outcome: ReadOutcome; pieces: number; longestPiece: number }> {
    const range: RecordRange = {
        firstByte: 0,
        recordsFrom: options.firstByte ?? 0,
        stopAt: Number.POSITIVE_INFINITY,
        sizeBytes: file.seen.sizeBytes,
        takeTail: false,
        fieldCount: 2,
        keyIndex: 0,
        maxRecordBytes: MiB,
        ...options,
    };
    const records: ReadRecord[] = [];
    const stream = readRecords(file, range);
    let pieces = 0;
    let longestPiece = 0;
    let next = await stream.next();
    while (!next.done) {
        const { bytes, records: found, firstByte, recordsBefore, linesBefore } = next.value;
        pieces += 1;
        longestPiece = Math.max(longestPiece, bytes.length);
        for (let index = 0; index < found.count; index += 1) {
            const start = found.starts[index]!;
            const end = found.ends[index]!;
            records.push({
                text: end - start < 1_000 ? bytes.toString("utf8", start, end) : `${end - start} bytes`,
                kind: recordKinds[found.kinds[index]!]!,
                recordNo: recordsBefore + index,
                lineNo: linesBefore + found.lines[index]!,
                byte: firstByte + start,
            });
        }
        next = await stream.next();
    }
    return { records, outcome: next.value, pieces, longestPiece };
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe("a stream of several megabytes", () => {
    // Three lines a record and no two records of the same length: they lie across the blocks' borders in every way.
    const content = Array.from({ length: 60_000 }, (_, no) => `id${no},"é${"x".repeat(no % 97)}\r\nline\n"\r\n`);
    const bytes = Buffer.from(`a header,of two\n${content.join("")}`);
    const headerBytes = bytes.indexOf("\n") + 1;

    test("gives every record once, with its number, line and byte", async () => {
        const { records, outcome, pieces } = await readAll(fileOf(bytes), { recordsFrom: headerBytes });

        expect(pieces).toBeGreaterThan(3);
        expect(records).toHaveLength(60_000);
        let byte = headerBytes;
        for (const [no, record] of records.entries()) {
            const expected = content[no]!.slice(0, -2);
            if (record.text !== expected || record.byte !== byte)
                expect([no, record.text, record.byte]).toEqual([no, expected, byte]);
            if (record.recordNo !== no || record.lineNo !== no * 3)
                expect(record).toMatchObject({ recordNo: no, lineNo: no * 3 });
            byte += Buffer.byteLength(content[no]!);
        }
        expect(new Set(records.map(({ kind }) => kind))).toEqual(new Set(["strict_quoted"]));
        expect(outcome).toEqual({
            endByte: bytes.length,
            records: 60_000,
            lines: 180_000,
            contentHash: sha256(bytes),
            isPadded: true,
            tail: null,
            otherHeader: null,
        });
    });

    test("cut into chunks is the same: they follow on each other, hash their own bytes, and miss nothing", async () => {
        const whole = await readAll(fileOf(bytes), { recordsFrom: headerBytes });
        const texts: string[] = [];
        let firstByte = 0;
        let lines = 0;
        while (firstByte < bytes.length) {
            const recordsFrom = firstByte === 0 ? headerBytes : firstByte;
            const stopAt = firstByte + 700_000;
            const { records, outcome } = await readAll(fileOf(bytes), { firstByte, recordsFrom, stopAt });
            texts.push(...records.map(({ text }) => text));
            expect(outcome.contentHash).toBe(sha256(bytes.subarray(firstByte, outcome.endByte)));
            expect(outcome.records).toBe(records.length);
            // The last record begins before the byte at which it was to stop.
            expect(records.at(-1)!.byte).toBeLessThan(stopAt);
            if (outcome.endByte < bytes.length) expect(outcome.endByte).toBeGreaterThanOrEqual(stopAt);
            lines += outcome.lines;
            firstByte = outcome.endByte;
        }
        expect(texts).toEqual(whole.records.map(({ text }) => text));
        expect(lines).toBe(180_000);
    });

    test("is the same bytes for bytes when it is read again after the file has grown", async () => {
        const stopAt = 1_500_000;
        const first = await readAll(fileOf(bytes), { recordsFrom: headerBytes, stopAt });
        const grown = fileOf(Buffer.concat([bytes, Buffer.from("more,of it\n")]));
        const again = await readAll(grown, { recordsFrom: headerBytes, stopAt: first.outcome.endByte });
        expect(again.outcome).toEqual(first.outcome);
        expect(again.records).toEqual(first.records);
    });
});

describe("the end of the file", () => {
    test("leaves an unfinished record for later, or takes it and says where it begins", async () => {
        const bytes = Buffer.from("a,b\n\nc,d\ne,f");
        const left = await readAll(fileOf(bytes));
        expect(left.outcome).toMatchObject({ endByte: 9, records: 2, lines: 3, tail: null });
        expect(left.outcome.contentHash).toBe(sha256(bytes.subarray(0, 9)));

        const taken = await readAll(fileOf(bytes), { takeTail: true });
        expect(taken.outcome).toMatchObject({
            endByte: 12,
            records: 3,
            lines: 4,
            tail: { byte: 9, recordsBefore: 2, linesBefore: 3 },
        });
        expect(taken.outcome.contentHash).toBe(sha256(bytes));
    });

    test("in open quotes leaves all from there, or takes it line by line", async () => {
        const bytes = Buffer.from('a,b\nc,"d\ne,f\ng,h\n');
        const left = await readAll(fileOf(bytes));
        expect(left.outcome).toMatchObject({ endByte: 4, records: 1, tail: null });
        const taken = await readAll(fileOf(bytes), { takeTail: true });
        expect(taken.records.map(({ kind }) => kind)).toEqual(["strict", "unclosed_quote", "strict", "strict"]);
        expect(taken.outcome).toMatchObject({ endByte: 17, tail: { byte: 4, recordsBefore: 1, linesBefore: 1 } });
    });

    test("is where it was when the file was opened, whatever has come since", async () => {
        const bytes = Buffer.from("a,b\nc,d\n");
        const file = fileOf(Buffer.concat([bytes, Buffer.from("e,f\n")]));
        const { outcome } = await readAll(file, { sizeBytes: bytes.length });
        expect(outcome).toMatchObject({ endByte: 8, records: 2, contentHash: sha256(bytes) });
    });

    test("may come with the header: a chunk without a record, that hashes the header", async () => {
        const bytes = Buffer.from("a,b\n");
        const { outcome } = await readAll(fileOf(bytes), { recordsFrom: 4, takeTail: true });
        expect(outcome).toMatchObject({ endByte: 4, records: 0, lines: 0, tail: null, contentHash: sha256(bytes) });
    });

    test("should fail: the file ends before its time", async () => {
        const bytes = Buffer.from("a,b\n".repeat(1_000));
        await expect(readAll(fileOf(bytes), { sizeBytes: 5_000 })).rejects.toBeInstanceOf(InputChanged);
    });
});

describe("a range held in memory", () => {
    test("is read at once as it is in pieces, whatever it holds and wherever it stops", async () => {
        const text = fc.array(fc.constantFrom("a", ",", '"', "\n", "\r\n", "\r", "\0", "é", " ", "\\.", "bc,d\n"), {
            maxLength: 60,
        });
        const property = fc.asyncProperty(
            text,
            fc.nat(10),
            fc.nat(100),
            fc.boolean(),
            async (parts, from, to, takeTail) => {
                const bytes = Buffer.from(parts.join(""));
                const recordsFrom = Math.min(from, bytes.length);
                const stopAt = recordsFrom + to;
                const options = { recordsFrom, stopAt, takeTail, maxRecordBytes: 40 };
                const { records, outcome } = await readAll(fileOf(bytes), options);

                const range = { firstByte: 0, sizeBytes: bytes.length, fieldCount: 2, keyIndex: 0, ...options };
                const atOnce = readInMemory(bytes, range);
                let read = atOnce.next();
                let count = 0;
                if (!read.done) {
                    const { bytes: within, records: found, firstByte } = read.value;
                    count = found.count;
                    for (const [index, { text, kind, byte, lineNo }] of records.entries()) {
                        const start = found.starts[index]!;
                        expect([within.toString("utf8", start, found.ends[index]), firstByte + start]).toEqual([
                            text,
                            byte,
                        ]);
                        const foundKind: string = recordKinds[found.kinds[index]!]!;
                        expect([foundKind, found.lines[index]!]).toEqual([kind, lineNo]);
                    }
                    read = atOnce.next();
                }
                expect([count, read]).toEqual([records.length, { done: true, value: outcome }]);
            },
        );
        await fc.assert(property, { numRuns: 500 });
    });

    test("takes the hash that is known for the whole, and for no less", () => {
        const bytes = Buffer.from("a,b\nc,d\ne");
        const range = {
            firstByte: 0,
            recordsFrom: 4,
            stopAt: 100,
            sizeBytes: bytes.length,
            fieldCount: 2,
            keyIndex: 0,
            maxRecordBytes: MiB,
            contentHash: "known",
        };
        const outcomeOf = (takeTail: boolean) => {
            const pieces = readInMemory(bytes, { ...range, takeTail });
            pieces.next();
            return pieces.next().value;
        };
        expect(outcomeOf(true)).toMatchObject({ endByte: 9, contentHash: "known" });
        expect(outcomeOf(false)).toMatchObject({ endByte: 8, contentHash: sha256(bytes.subarray(0, 8)) });
    });
});

describe("a line longer than the maximum", () => {
    const maxRecordBytes = 64 * 1024;
    const around = (length: number) => Buffer.from(`a,b\n${"y".repeat(length)}\nc,d\n`);
    const lengths = [
        maxRecordBytes + 1,
        maxRecordBytes + 2,
        MiB - 5,
        MiB - 4,
        MiB + maxRecordBytes - 5,
        MiB + maxRecordBytes - 4,
        MiB + maxRecordBytes - 3,
        2 * MiB - 5,
        2 * MiB - 4,
        2 * MiB - 3,
        3 * MiB + 7,
    ];

    test.each(lengths)("of %d bytes is one record, and its neighbours are what they are", async (length) => {
        const bytes = around(length);
        const { records, outcome } = await readAll(fileOf(bytes), { maxRecordBytes });
        expect(records.map(({ kind, lineNo, recordNo, byte }) => [kind, recordNo, lineNo, byte])).toEqual([
            ["strict", 0, 0, 0],
            ["record_too_long", 1, 1, 4],
            ["strict", 2, 2, length + 5],
        ]);
        expect(outcome).toMatchObject({ endByte: bytes.length, records: 3, lines: 3, tail: null });
        expect(outcome.contentHash).toBe(sha256(bytes));
    });

    test.each(lengths)("of %d bytes without a line end waits, or is the tail", async (length) => {
        const bytes = around(length).subarray(0, length + 4);
        const left = await readAll(fileOf(bytes), { maxRecordBytes });
        expect(left.outcome).toMatchObject({ endByte: 4, records: 1, tail: null });
        expect(left.outcome.contentHash).toBe(sha256(bytes.subarray(0, 4)));

        const taken = await readAll(fileOf(bytes), { maxRecordBytes, takeTail: true });
        expect(taken.records.map(({ kind }) => kind)).toEqual(["strict", "record_too_long"]);
        expect(taken.outcome).toMatchObject({
            endByte: bytes.length,
            records: 2,
            lines: 2,
            tail: { byte: 4, recordsBefore: 1, linesBefore: 1 },
        });
        expect(taken.outcome.contentHash).toBe(sha256(bytes));
    });

    test("that begins with a quote is no different", async () => {
        const bytes = Buffer.from(`"${"y".repeat(3 * MiB)}\nc,d\n`);
        const { records, outcome } = await readAll(fileOf(bytes), { maxRecordBytes });
        expect(records.map(({ kind, lineNo }) => [kind, lineNo])).toEqual([
            ["record_too_long", 0],
            ["strict", 1],
        ]);
        expect(outcome.contentHash).toBe(sha256(bytes));
    });

    test("ends a chunk that was to stop within it", async () => {
        const bytes = around(3 * MiB);
        const { outcome } = await readAll(fileOf(bytes), { maxRecordBytes, stopAt: 100 });
        expect(outcome).toMatchObject({ endByte: 3 * MiB + 5, records: 2, lines: 2 });
        expect(outcome.contentHash).toBe(sha256(bytes.subarray(0, 3 * MiB + 5)));
    });

    test("promise 7: of half a gigabyte takes no more memory than one of a megabyte", async () => {
        const sizeBytes = 512 * MiB;
        const block = Buffer.alloc(MiB, "z");
        const ending = Buffer.from("\nc,d\n");
        // A good record before and behind the long line.
        const file = virtualFile(sizeBytes, (position, length) => {
            const endsAt = sizeBytes - ending.length - position;
            // The same megabyte again and again: what is measured is the reader's memory, not this test's garbage.
            if (position > 0 && endsAt >= MiB) return block.subarray(0, length);
            const bytes =
                position === 0 ? Buffer.concat([Buffer.from("a,b\n"), block.subarray(4)]) : Buffer.from(block);
            if (endsAt < MiB) ending.copy(bytes, Math.max(endsAt, 0), Math.max(-endsAt, 0));
            return bytes.subarray(0, length);
        });
        Bun.gc(true);
        const before = process.memoryUsage.rss();
        const { records, outcome, longestPiece } = await readAll(file, { maxRecordBytes: MiB });
        expect(records.map(({ kind }) => kind)).toEqual(["strict", "record_too_long", "strict"]);
        expect(outcome).toMatchObject({ endByte: sizeBytes, records: 3, lines: 3 });
        expect(longestPiece).toBeLessThan(4 * MiB);
        expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MiB);
    });
});

test("a chunk that is read again, after the file has grown, is what it was: any content, any chunk size", async () => {
    const symbol = fc.constantFrom("a,b", "\n", "\r\n", '"', ",", "x", '"x\ny",z\n', "\r");
    const content = fc.array(symbol, { maxLength: 40 }).map((symbols) => Buffer.from(symbols.join("")));
    await fc.assert(
        fc.asyncProperty(content, content, fc.integer({ min: 1, max: 30 }), async (bytes, growth, chunkBytes) => {
            const grown = fileOf(Buffer.concat([bytes, growth]));
            let firstByte = 0;
            while (firstByte < bytes.length) {
                const stopAt = firstByte + chunkBytes;
                const first = await readAll(fileOf(bytes), { firstByte, stopAt, maxRecordBytes: 12 });
                const { endByte } = first.outcome;
                if (endByte === firstByte) break;
                // As stage-again.ts asks for a chunk that ends with a line end.
                const again = await readAll(grown, { firstByte, stopAt: endByte, maxRecordBytes: 12 });
                expect(again).toMatchObject({ outcome: first.outcome, records: first.records });
                firstByte = endByte;
            }
        }),
        { numRuns: 500 },
    );
});

interface Reached {
    bytes: number;
    records: number;
    lines: number;
    tail: { byte: number; record: number; line: number } | null;
}

/** Reads what has come since, chunk by chunk and with its tail, as load-files.ts does. */
async function readOn(content: Buffer, chunkBytes: number, reached: Reached, into: ReadRecord[]): Promise<void> {
    while (reached.bytes < content.length) {
        const firstByte = reached.tail?.byte ?? reached.bytes;
        const firstRecord = reached.tail?.record ?? reached.records;
        const firstLine = reached.tail?.line ?? reached.lines;
        const { records, outcome } = await readAll(fileOf(content), {
            firstByte,
            stopAt: firstByte + chunkBytes,
            takeTail: true,
            maxRecordBytes: 12,
        });
        // A tail that was taken is read again, under its own number.
        into.length = firstRecord;
        for (const record of records) {
            into.push({ ...record, recordNo: firstRecord + record.recordNo, lineNo: firstLine + record.lineNo });
        }
        reached.bytes = outcome.endByte;
        reached.records = firstRecord + outcome.records;
        reached.lines = firstLine + outcome.lines;
        reached.tail = outcome.tail && {
            byte: outcome.tail.byte,
            record: firstRecord + outcome.tail.recordsBefore,
            line: firstLine + outcome.tail.linesBefore,
        };
    }
}

test("promise 10: a file that comes in pieces, each read to its unfinished end, is what it would be at once", async () => {
    const symbol = fc.constantFrom("a,b", "\n", "\r\n", '"', ",", "x", '"x\ny",z\n', "\r", '""');
    const piece = fc.array(symbol, { maxLength: 12 }).map((symbols) => Buffer.from(symbols.join("")));
    await fc.assert(
        fc.asyncProperty(
            fc.array(piece, { maxLength: 4 }),
            fc.integer({ min: 1, max: 40 }),
            async (pieces, chunkBytes) => {
                const reached: Reached = { bytes: 0, records: 0, lines: 0, tail: null };
                const inPieces: ReadRecord[] = [];
                let content: Buffer = Buffer.alloc(0);
                for (const piece of pieces) {
                    content = Buffer.concat([content, piece]);
                    await readOn(content, chunkBytes, reached, inPieces);
                }
                const atOnce = await readAll(fileOf(content), { takeTail: true, maxRecordBytes: 12 });
                expect(inPieces).toEqual(atOnce.records);
                expect(reached).toMatchObject({ records: atOnce.outcome.records, lines: atOnce.outcome.lines });
            },
        ),
        // The first ends with a piece in a quote that is the last byte of a maximal record: not yet known to close.
        {
            numRuns: 1_000,
            examples: [[['"\r\r\nx', 'a,b,,a,b"', "a,b"].map((text) => Buffer.from(text)), 1]],
        },
    );
});
