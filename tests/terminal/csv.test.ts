import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { formatCsv } from "../../src/terminal/csv.ts";

const text = { name: "text", isNumber: false };

test("quotes what CSV needs quoted; null is empty", () => {
    const rows = [["a,b"], ['say "hi"'], ["two\nlines"], [null], ["plain"]];
    const csv = formatCsv([text], rows);

    expect(csv).toBe('text\r\n"a,b"\r\n"say ""hi"""\r\n"two\nlines"\r\n\r\nplain\r\n');
    expect(parse(csv).slice(1, 4)).toEqual([["a,b"], ['say "hi"'], ["two\nlines"]]);
});

test.each(["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])(
    "%j should not run in a spreadsheet",
    (value) => {
        expect(parse(formatCsv([text], [[value]]))[1]).toEqual([`'${value}`]);
    },
);

test("numbers stay numbers, and a name of a column is text too", () => {
    expect(formatCsv([{ name: "=price", isNumber: true }], [["-1.50"]])).toBe("'=price\r\n-1.50\r\n");
});
