/** A remembered header gives what reading it anew would find, whatever follows it in the file. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createHeaderReader } from "../../src/engine/read/known-headers.ts";
import { readHeader } from "../../src/engine/read/read-header.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";

const columns = "event_id,event_type,product_id,user_id,event_timestamp";

/** A header that is often a good one, and bytes around it that tell another line end, delimiter or quote. */
const anyHeader = fc
    .tuple(
        fc.constantFrom("", "\ufeff", "\n", "\r\n", "\ufeff\n", "#"),
        fc.constantFrom(
            columns,
            `${columns},x`,
            `${columns},X,x`,
            `"${columns.replaceAll(",", '","')}"`,
            "event_id,x",
            "",
        ),
        fc.constantFrom(",", ";", "\t", "|", ";,"),
        fc.constantFrom("", " ", "\r", "\0", '"', "\u00e9", "\r,"),
        fc.constantFrom("\n", "\r\n", "\r", "\r\r\n", ""),
    )
    .map(([before, names, delimiter, after, lineEnd]) => before + names.replaceAll(",", delimiter) + after + lineEnd);
const anyBody = fc.constantFrom("", "a,b,c,d,e\n", "a;b;c;d;e\r\n", "a,b\rc,d\r", '"x\n', "\n\n", "\r", "1,2,3,4,5");

describe("a header that was read before", () => {
    test("is read as it would be anew, before any other body", () => {
        const read = createHeaderReader(eventsStream);
        fc.assert(
            fc.property(
                anyHeader,
                fc.array(anyBody, { minLength: 1, maxLength: 3 }),
                fc.boolean(),
                (header, bodies, atEnd) => {
                    for (const body of bodies) {
                        const bytes = Buffer.from(header + body);
                        expect(read(bytes, atEnd, {})).toEqual(readHeader(eventsStream, bytes, atEnd));
                    }
                },
            ),
            { numRuns: 3000 },
        );
    });

    test("is one and the same shape, and another one in another encoding", () => {
        const read = createHeaderReader(eventsStream);
        const first = read(Buffer.from(`${columns}\n1,2,3,4,5\n`), false, {});
        expect(read(Buffer.from(`${columns}\n`), true, {})).toBe(first);
        expect(read(Buffer.from(`${columns}\n`), true, { encoding: "utf-16le" })).toMatchObject({
            dialect: { encoding: "utf-16le" },
        });
    });

    test("is not remembered for files of a source, or of a dialect that is known", () => {
        const read = createHeaderReader(eventsStream);
        const bytes = Buffer.from(`${columns},colour\n`);
        const bare = read(bytes, true, {});
        const source = { match: "*.csv", ignore: ["colour"] };
        expect(read(bytes, true, { source })).toEqual(readHeader(eventsStream, bytes, true, { source }));
        expect(read(bytes, true, { source })).not.toEqual(bare);
    });
});
