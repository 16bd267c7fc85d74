/** The bytes of a COPY, both ways. What Postgres makes of them is in verbatim-and-parsed.test.ts. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FileShape } from "../../src/engine/read/file-shape.ts";
import { readHeader } from "../../src/engine/read/read-header.ts";
import { readableText } from "../../src/engine/read/readable-text.ts";
import { scanOptionsOf } from "../../src/engine/read/scan-options.ts";
import { createScanner } from "../../src/engine/read/scan-records.ts";
import { createCopyBytes, writtenBytes } from "../../src/engine/stage/copy-bytes.ts";
import { copyStatement, stageRecords, type Way } from "../../src/engine/stage/stage-records.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { uuid } from "../../src/streams/types/uuid.ts";
import { projectDir } from "../support/test-server.ts";

const header = "event_id,event_type,product_id,user_id,event_timestamp";
const place = {
    loadId: 7,
    chunkId: 41,
    path: "a.csv",
    firstRecordNo: 100,
    firstLineNo: 500,
    firstByte: 9_000,
    isSlicedByNumber: false,
};

function shapeOf(names: string): FileShape {
    const shape = readHeader(eventsStream, Buffer.from(`${names}\n`), true);
    if ("problem" in shape) throw new Error(shape.detail);
    return shape;
}

function staged(records: string | Buffer, way: Way, names = header): string {
    const bytes = Buffer.from(records as string);
    const shape = shapeOf(names);
    const { fieldCount, keyIndex, sliceOf } = scanOptionsOf(shape);
    const scanned = createScanner()(bytes, { fieldCount, keyIndex, sliceOf, maxRecordBytes: 100_000, atEnd: true });
    const out = createCopyBytes();
    stageRecords(bytes, scanned, shape, place, way, out);
    return writtenBytes(out).toString();
}

const stagedLines = (records: string | Buffer, way: Way, names?: string) => staged(records, way, names).split("\n");

describe("the COPY statement", () => {
    const reordered = shapeOf("user_id,Colour,event_id,event_type,size,product_id,event_timestamp");

    test("of verbatim records has the columns in the order of the file, unknown ones in spare columns", () => {
        expect(copyStatement(reordered, "verbatim", "ingest.staging")).toBe(
            "copy ingest.staging (load_id, chunk_id, record_no, slice_no, plain_second, problem, user_id, extra_1, event_id, " +
                "event_type, extra_2, product_id, event_timestamp) from stdin (format csv)",
        );
    });

    test("of parsed records is the same for every file", () => {
        const statement =
            "copy ingest.staging (load_id, chunk_id, record_no, slice_no, plain_second, problem, event_id, event_type, " +
            "product_id, user_id, event_timestamp, quantity, price, attributes) from stdin";
        expect(copyStatement(reordered, "parsed", "ingest.staging")).toBe(statement);
        expect(copyStatement(shapeOf(header), "parsed", "ingest.staging")).toBe(statement);
    });
});

describe("verbatim", () => {
    test("passes a record's own bytes on, behind load, chunk, record number, slice, second and an empty problem", () => {
        expect(staged('ida,"b""\n",c,d,e\r\n\r\nid9,,é,,\\.', "verbatim")).toBe(
            '7,41,100,10,,,ida,"b""\n",c,d,e\n7,41,101,9,,,id9,,é,,\\.\n',
        );
    });

    test("puts a problem in place of a record that cannot be split, and leaves its neighbours alone", () => {
        const [first, second, third, end] = stagedLines('ida,b,c,d,e\nid"b,"c\nidc,b,c,d,e\n', "verbatim");
        expect([first, third, end]).toEqual(["7,41,100,10,,,ida,b,c,d,e", "7,41,102,12,,,idc,b,c,d,e", ""]);
        const [, problem] = /^7,41,101,0,,"(.*)",,,,,$/.exec(second!)!;
        expect(JSON.parse(problem!.replaceAll('""', '"'))).toEqual({
            reason: "stray_quote",
            line: 501,
            byte: 9_012,
            raw: 'id"b,"c',
        });
    });

    test("tells a record whose values stand in the commonest form from its neighbours, and its second", () => {
        const id = "018f0000-0000-4000-8000-00000000000a";
        const [plain, quoted] = stagedLines(
            `${id},view,p,u,2024-05-01 10:00:00\n${id},"view",p,u,2024-05-01 10:00:00\n`,
            "verbatim",
        );
        expect(plain).toBe(`7,41,100,10,1714557600,,${id},view,p,u,2024-05-01 10:00:00`);
        expect(quoted).toBe(`7,41,101,10,,,${id},"view",p,u,2024-05-01 10:00:00`);
    });

    test("writes numbers of any length", () => {
        const bytes = Buffer.from("a,b,c,d,e\n");
        const scanned = createScanner()(bytes, {
            fieldCount: 5,
            keyIndex: 0,
            sliceOf: uuid.slices!.ofBytes,
            maxRecordBytes: 99,
            atEnd: true,
        });
        for (const number of [0, 9, 10, 99, 100, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
            const far = { ...place, loadId: number, chunkId: number, firstRecordNo: number };
            const out = createCopyBytes(1);
            stageRecords(bytes, scanned, shapeOf(header), far, "verbatim", out);
            expect(writtenBytes(out).toString()).toBe(`${number},${number},${number},10,,,a,b,c,d,e\n`);
        }
    });

    test("a line break, a quote and a comma in a problem stay within it", () => {
        const text = staged('a,"b\n\n', "verbatim");
        expect(text.match(/\n/g)).toHaveLength(1);
        expect(text).toContain('""raw"":""a,\\""b""');
    });
});

describe("parsed", () => {
    const nothing = "\\N\t\\N";

    test("takes the values out, in the order of the table", () => {
        const names = "user_id,event_id,event_type,product_id,event_timestamp";
        expect(staged('u,ida,"v\n""w""",p, t \n', "parsed", names)).toBe(
            `7\t41\t100\t10\t\\N\t\\N\tida\tv\\n"w"\tp\tu\t t \t${nothing}\t\\N\n`,
        );
    });

    test("escapes what COPY's text format would take for something else, and nothing more", () => {
        const line = staged('\\N,"a\tb",\\.,"c\r\nd",\\\\x\b\f\v\n', "parsed");
        expect(line).toBe(`7\t41\t100\t0\t\\N\t\\N\t\\\\N\ta\\tb\t\\\\.\tc\\r\\nd\t\\\\\\\\x\b\f\v\t${nothing}\t\\N\n`);
    });

    test("tells empty from nothing as verbatim does: nothing is null, quotes hold an empty text", () => {
        expect(staged(',"",x,,\n', "parsed")).toBe(`7\t41\t100\t0\t\\N\t\\N\t\\N\t\tx\t\\N\t\\N\t${nothing}\t\\N\n`);
    });

    test("makes unknown columns one JSON object, values as they stand, without empty ones", () => {
        const names = `${header},colour,"say ""hi""",empty,__proto__`;
        const line = staged('a,b,c,d,e, re\td ,"\\ ""x""","",y\n', "parsed", names);
        const json = line.trimEnd().split("\t").at(-1)!;
        // As text format spells it: every backslash of the JSON twice.
        expect(json).toBe(`{"colour":" re\\\\td ","say \\\\"hi\\\\"":"\\\\\\\\ \\\\"x\\\\"","__proto__":"y"}`);
    });

    test("a record that cannot be split has its problem, and no values", () => {
        const [line] = stagedLines("a,b\tc\\d\n", "parsed");
        const [load, chunk, record, slice, plainSecond, problem, ...values] = line!.split("\t");
        expect([load, chunk, record, slice, plainSecond]).toEqual(["7", "41", "100", "10", "\\N"]);
        expect(values).toEqual(Array(8).fill("\\N"));
        expect(JSON.parse(problem!.replaceAll("\\\\", "\\"))).toEqual({
            reason: "too_few_fields",
            line: 500,
            byte: 9_000,
            raw: "a,b\tc\\d",
        });
    });

    test("says where a record stands: its number, its line and its byte, blank lines and line ends counted", () => {
        const names = `${header},x`;
        const lines = stagedLines('a,b,c,d,e,"\n"\n\n\r\nshort\n', "parsed", names);
        expect(lines[1]).toContain('"line":504,"byte":9017');
        expect(lines[1]).toStartWith("7\t41\t101\t");
    });
});

describe("the readable text of any bytes", () => {
    test("is the text itself when it is UTF-8", () => {
        expect(readableText(Buffer.from('a,é,"日本"\t\u0001🙂\\'))).toBe('a,é,"日本"\t\u0001🙂\\');
    });

    test("shows NUL, and every byte that is no UTF-8, as \\xNN", () => {
        expect(readableText(Buffer.from("a\0b"))).toBe("a\\x00b");
        const bytes = [0x61, 0xff, 0xc3, 0xa9, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x99, 0x82, 0xe2, 0x82, 0x00];
        expect(readableText(Buffer.from(bytes))).toBe("a\\xffé\\xc3(\\xed\\xa0\\x80🙂\\xe2\\x82\\x00");
    });

    test("is cut at 16 KiB, and says so", () => {
        const most = 16 * 1024;
        expect(readableText(Buffer.alloc(most, "x"))).toBe("x".repeat(most));
        expect(readableText(Buffer.alloc(most + 1, "x"))).toBe(`${"x".repeat(most)}…`);
    });

    test("is not cut within a character", () => {
        const text = `x${"é".repeat(9_000)}`;
        expect(readableText(Buffer.from(text))).toBe(`x${"é".repeat((16 * 1024 - 2) / 2)}…`);
        expect(readableText(Buffer.from(`xx${"🙂".repeat(5_000)}`))).toBe(`xx${"🙂".repeat(4_095)}…`);
        // Bytes at the cut that are no text stay visible.
        expect(readableText(Buffer.alloc(20_000, 0xc3))).toBe(`${"\\xc3".repeat(16 * 1024)}…`);
    });
});

test("copyStatement writes into the table it is given, and its caller has to name one", () => {
    expect(copyStatement.length).toBe(3);
    const shape = shapeOf(header);
    for (const way of ["verbatim", "parsed"] as const) {
        const statement = copyStatement(shape, way, "pg_temp.elsewhere");
        expect(statement).toStartWith("copy pg_temp.elsewhere (");
        expect(statement).not.toContain("ingest.staging");
    }
});

test("no code changes the text of a statement that other code has made", () => {
    const files = [...new Bun.Glob("{src,scripts}/**/*.{ts,tsx}").scanSync(projectDir)];
    const changed = files.filter((file) =>
        /\b\w*(?:[sS]tatement|[qQ]uery|[sS]ql)(?:\([^;{}]*\))?\s*\.(?:replace|replaceAll)\(/.test(
            readFileSync(join(projectDir, file), "utf8"),
        ),
    );
    expect(files.length).toBeGreaterThan(100);
    expect(changed).toEqual([]);
});
