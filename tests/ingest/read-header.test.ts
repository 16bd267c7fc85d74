import { describe, expect, test } from "bun:test";
import type { FileShape, HeaderFault } from "../../src/engine/read/file-shape.ts";
import { readHeader } from "../../src/engine/read/read-header.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import type { SourceConfig } from "../../src/streams/source-config.ts";
import { findColumn } from "../../src/streams/stream.ts";

const required = "event_id,event_type,product_id,user_id,event_timestamp";
const all = `${required},quantity,price`;

function shapeOf(input: string | Uint8Array, atEnd = false): FileShape {
    const shape = readHeader(eventsStream, typeof input === "string" ? Buffer.from(input) : input, atEnd);
    if ("problem" in shape) throw new Error(`${shape.problem}: ${shape.detail}`);
    return shape;
}

function problemOf(input: string | Uint8Array, atEnd = false): HeaderFault["problem"] | null {
    const shape = readHeader(eventsStream, typeof input === "string" ? Buffer.from(input) : input, atEnd);
    return "problem" in shape ? shape.problem : null;
}

describe("a header", () => {
    test("says which event column each field fills, and where the records begin", () => {
        expect(shapeOf(`${all}\n1,2`)).toEqual({
            header: all.split(","),
            stream: eventsStream,
            targets: all.split(",").map((name) => findColumn(eventsStream, name)!),
            extraColumns: null,
            missingColumns: null,
            dialect: {
                delimiter: ",",
                quote: '"',
                escape: '"',
                comment: null,
                lineEnd: "lf",
                encoding: "utf-8",
            },
            source: null,
            isMapped: false,
            needsParsing: false,
            headerBytes: all.length + 1,
            headerLines: 1,
            hasLineEnd: true,
        });
    });

    test("of sixteen unknown columns is loaded verbatim, of seventeen parsed", () => {
        const names = (count: number) => Array.from({ length: count }, (_, index) => `extra${index}`).join(",");
        expect(shapeOf(`${all},${names(16)}\n`).needsParsing).toBe(false);
        expect(shapeOf(`${all},${names(17)}\n`).needsParsing).toBe(true);
    });

    test("may begin with a byte order mark and blank lines, which count towards its bytes and lines", () => {
        expect(shapeOf(`\ufeff${all}\n`)).toMatchObject({ headerBytes: all.length + 4, headerLines: 1 });
        expect(shapeOf(`\ufeff\n\r\n${all}\r\nx`)).toMatchObject({ headerBytes: all.length + 8, headerLines: 3 });
    });

    test("may be quoted, over several lines", () => {
        const quoted = `"event_id","event_type",product_id,user_id,event_timestamp,"say ""it""","two\nlines"\n`;
        expect(shapeOf(quoted)).toMatchObject({
            extraColumns: ['say "it"', "two\nlines"],
            headerBytes: quoted.length,
            headerLines: 2,
        });
        expect(shapeOf(quoted.replaceAll("\n", "\r\n")).extraColumns).toEqual(['say "it"', "two\r\nlines"]);
    });
});

describe("an unfinished header", () => {
    test("waits, and counts at the end of the file", () => {
        for (const input of [all, `${all}\r`, `${all},"x"`]) {
            expect(problemOf(input)).toBe("header_unfinished");
            expect(shapeOf(input, true)).toMatchObject({
                headerBytes: input.length,
                hasLineEnd: false,
                headerLines: 1,
            });
        }
        expect(shapeOf(`${all}\r`, true).header).toEqual(all.split(","));
    });

    test("with an open quote waits, and is unreadable at the end of the file", () => {
        const input = `${all},"extra\nrest of it\n`;
        expect([problemOf(input), problemOf(input, true)]).toEqual(["header_unfinished", "header_unreadable"]);
    });

    test("is not waited for beyond a limit, which can be raised", () => {
        const limit = 64 * 1024;
        const long = (bytes: number) => `${all},${"x".repeat(bytes - all.length - 1)}`;
        const problem = (input: string, maxRecordBytes?: number) => {
            const shape = readHeader(eventsStream, Buffer.from(input), false, { maxRecordBytes });
            return "problem" in shape ? shape.problem : null;
        };
        expect(problem(long(limit), limit)).toBe("header_unfinished");
        expect(problem(long(limit + 1), limit)).toBe("header_too_long");
        expect(problem(long(limit + 1))).toBe("header_unfinished");
        expect(problem(long(1024 * 1024 + 1))).toBe("header_too_long");
        expect(problem(`${all},"${"x\n".repeat(33 * 1024)}`, limit)).toBe("header_too_long");
        expect(problem(`${long(limit)}\n`, limit)).toBeNull();
    });
});

describe("a header that cannot be read", () => {
    test.each([
        ["an event column twice, in any case", `${all},Price\n`, "header_duplicate_columns"],
        ["an unknown name twice", `${all},x,x\n`, "header_duplicate_columns"],
        ["a column without a name that has values", `${all},\n1,view,p,u,t,1,1,x\n`, "header_unnamed_columns"],
        ["a column with a name of white space", `${all},  \n1,view,p,u,t,1,1,x\n`, "header_unnamed_columns"],
        ["a stray quote", `${all},a"b\n`, "header_unreadable"],
        ["text behind a closing quote", `${all},"a"b\n`, "header_unreadable"],
        ["a NUL byte", `${all},a\0b\n`, "header_unreadable"],
        ["a carriage return that ends no line", `event_id\r,${all.slice(9)}\n`, "header_unreadable"],
        ["a carriage return that may end the line", `${all},a\rb\n`, "dialect_ambiguous"],
        ["records where the header should be", "1,view,p,u,2024-01-01 00:00:00,1,1\n", "header_missing_columns"],
        ["slashes", `${all.replaceAll(",", "/")}\n`, "header_missing_columns"],
    ] as const)("should fail: %s", (_what, input, problem) => {
        expect(problemOf(input)).toBe(problem);
        expect(problemOf(input, true)).toBe(problem);
    });

    test("promise 3: a file whose lines end with carriage returns alone is not all header", () => {
        const input = `${all}\r1,view,p,u,2024-01-01 00:00:00,1,1\r2,view,p,u,2024-01-01 00:00:00,1,1\r`;
        for (const atEnd of [false, true]) {
            const { headerBytes, dialect } = shapeOf(input, atEnd);
            expect([headerBytes, dialect.lineEnd]).toEqual([all.length + 1, "any"]);
        }
    });
});

describe("what is wrong with a header names the setting that would help", () => {
    const detailOf = (input: Uint8Array | string, source?: SourceConfig) => {
        const shape = readHeader(eventsStream, typeof input === "string" ? Buffer.from(input) : input, true, {
            source,
        });
        return "problem" in shape ? shape.detail : "no problem";
    };
    const record = "a0000000-0000-4000-8000-000000000001,view,p1,u1,2024-01-02 03:04:01,1,1.50";
    const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
    const withNote = (note: Buffer) => Buffer.concat([Buffer.from(`${all},`), note, Buffer.from(`\n${record},x\n`)]);

    test.each([
        ["windows-1252", "70 72 e9 6e 6f 6d"],
        ["windows-1251", "e8 ec ff"],
        ["gb18030", "b1 b8 d7 a2"],
        ["shift_jis", "94 f5 8d 6c"],
        ["euc-kr", "bb f3 c7 b0 b8 ed"],
        ["big5", "b3 c6 b5 f9"],
    ])("undeclared %s", (encoding, note) => {
        expect(detailOf(withNote(bytes(note)))).toMatch(
            new RegExp(`write encoding: "[^.]*"${encoding}"|write encoding: "${encoding}"`),
        );
    });

    test("UTF-16 and UTF-32 without a byte order mark", () => {
        const text = `${all}\n${record}\n`;
        const utf16 = Buffer.from(text, "utf16le");
        const utf32 = Buffer.concat([...text].map((character) => Buffer.from(`${character}\0\0\0`)));
        expect(detailOf(utf16)).toContain('encoding: "utf-16le"');
        expect(detailOf(Buffer.from(utf16).swap16())).toContain('encoding: "utf-16be"');
        expect(detailOf(utf32)).toContain('encoding: "utf-32le"');
        expect(detailOf(Buffer.from(utf32).swap32())).toContain('encoding: "utf-32be"');
    });

    test("lines before the header", () => {
        expect(detailOf(`Report of "events"\nof May\n\n${all}\n${record}\n`)).toContain("skipLines: 3");
        expect(detailOf(`Report\n${all.replaceAll(",", ";")}\n`)).toContain("Line 2 reads as the header");
    });

    test("comments before the header, rather than lines to skip", () => {
        expect(detailOf(`-- made\n-- today\n${all}\n${record}\n`)).toContain('comment: "--"');
        expect(detailOf(`// a, b "c\n${all}\n${record}\n`)).toContain('comment: "//"');
        expect(detailOf(`# made\n${all}\n`, { match: "*", comment: "--" })).toContain("skipLines: 1");
    });

    test("a line sep= that contradicts the header, the declared delimiter or the records", () => {
        const input = `sep=;\n${all}\n${record}\n`;
        const remedy = "skipLines: 1";
        expect(detailOf(input)).toMatch(new RegExp(`sep= says semicolon, and what follows .* with comma.*${remedy}`));
        expect(detailOf(input, { match: "*", delimiter: "," })).toMatch(
            new RegExp(`sep= says semicolon, and sluice.config.ts says comma.*${remedy}`),
        );
        const header = all.split(",");
        expect(detailOf(`sep=;\n${record}\n`, { match: "*", header })).toContain(remedy);
        expect(detailOf(`Report\n${input}`, { match: "*", skipLines: 1 })).toContain("skipLines: 2");
        expect(detailOf(`sep=;\nevent_id;event_type\n`)).toContain("The header lacks product_id");
    });

    test("should fail: lines that end with something else, so that all of the file would be its header", () => {
        for (const end of ["\u2028", "\u0085", "\v", "\f", "\x1e"]) {
            const code = `U+${end.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
            expect(detailOf([all, record, record].join(end))).toContain(code);
            expect(detailOf([all, record].join(end).replaceAll(",", "\x1f"))).toContain(code);
        }
        const declared = { match: "*", skipLines: 1, header: [...all.split(","), "a"] };
        expect(detailOf(`${all},a\u2028b\n${record},x\n`, declared)).toBe("no problem");
        expect(detailOf(`${all.replaceAll(",", "\x1e")}\n${record.replaceAll(",", "\x1e")}\n`)).toBe("no problem");
    });

    test("JSON is told as what it is, not as stray quotes", () => {
        for (const input of ['{"event_id":"a"}\n{"event_id":"b"}\n', '[\n  { "event_id": "a" }\n]\n', "[[1,2]]"]) {
            expect(detailOf(input)).toBe("It looks like JSON, not CSV. Deliver its content as CSV.");
        }
    });

    test("a delimiter that is not tried, and one of several characters", () => {
        expect(detailOf(`${all.replaceAll(",", "^")}\n`)).toContain('delimiter: "^"');
        expect(detailOf(`${all.replaceAll(",", " ~ ")}\n`)).toContain('delimiter: "~"');
        expect(detailOf(`${all.replaceAll(",", "::")}\n`)).toContain('"::", of several characters');
        expect(detailOf(`${all.replaceAll(",", "|~|")}\n`)).toContain('"|~|", of several characters');
        expect(detailOf(`${all.replaceAll(",", "¦")}\n`)).toContain('"¦", which is not ASCII');
    });

    test("and none where none would", () => {
        const detail = detailOf(`event_id,event_type\n${record}\n`);
        expect(detail).not.toMatch(/skipLines|comment|encoding|delimiter|JSON/);
        expect(detail).toContain("aliases");
    });
});

test("a file that was begun by a header of no known name goes on by it", () => {
    const constants = Object.fromEntries(required.split(",").map((column) => [column, "x"]));
    const source = { match: "*", constants };
    const input = Buffer.from("colour,size\nred,1\n");
    const dialect = { ...shapeOf(`${all}\n`).dialect };
    expect(readHeader(eventsStream, input, true, { source })).toMatchObject({ problem: "header_unrecognized" });
    expect(readHeader(eventsStream, input, true, { source, dialect })).toMatchObject({
        header: ["colour", "size"],
        headerBytes: 12,
    });
});
