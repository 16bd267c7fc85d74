import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatTable } from "../../src/terminal/table.ts";

test("numbers are aligned to the right with separators, texts to the left, without trailing spaces", () => {
    const lines = formatTable(
        [
            ["read", 1_234_567, ""],
            ["inserted", 98, "0.1 %"],
            ["gone", null, "12 %"],
        ],
        { header: ["what", "records", "share"], rightAligned: [2], indent: "  " },
    );

    expect(lines).toEqual([
        "  what        records  share", //
        "  read      1,234,567",
        "  inserted         98  0.1 %",
        "  gone                  12 %",
    ]);
});

test("a column that holds a text is a column of texts", () => {
    expect(
        formatTable([
            [1, "x"],
            ["ab", "y"],
        ]),
    ).toEqual(["1   x", "ab  y"]);
});

test("wide characters take two columns, escapes are shown", () => {
    expect(
        formatTable([
            ["日本", "a"],
            ["x\u001b[2J", "b"],
        ]),
    ).toEqual(["日本      a", "x\\x1b[2J  b"]);
});

test("nothing is no line", () => {
    expect(formatTable([])).toEqual([]);
});

test("every line has the width of its columns, and every cell can be found in it", () => {
    const cell = fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.integer(), fc.constant(null));
    fc.assert(
        fc.property(fc.array(fc.tuple(cell, cell, fc.constant("|")), { minLength: 1 }), (rows) => {
            const lines = formatTable(rows);
            const ends = lines.map((line) => Bun.stringWidth(line.slice(0, line.lastIndexOf("|"))));
            expect(new Set(ends).size).toBe(1);
            for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        }),
    );
});
