import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CountOptions, countFiles, countFolder, listEvents } from "./count-records.ts";
import { headerLine, idOf } from "./fixture.ts";

const row = (n: number, rest = "view,p1,u1,2024-05-01 10:00:00,0,0") => `${idOf(n)},${rest}\n`;

/** Counts files named 0.csv, 1.csv, …; a text is encoded as UTF-8. */
function count(contents: (string | Buffer)[], options?: CountOptions) {
    return countFiles(
        contents.map((content, index) => ({ name: `${index}.csv`, bytes: Buffer.from(content as string) })),
        options,
    );
}

/** Of one file: read, inserted, duplicate, conflict, rejected. */
function tally(content: string | Buffer, options?: CountOptions): number[] {
    const { read, inserted, duplicate, conflict, rejected } = count([content], options).total;
    return [read, inserted, duplicate, conflict, rejected];
}

function reasons(content: string | Buffer, options?: CountOptions): [number, string[]][] {
    return count([content], options).outcomes.map((outcome) => [outcome.recordNo, outcome.reasons]);
}

const bytesOf = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));

describe("what a record is", () => {
    test("each line is a record, numbered from 1 after the header", () => {
        const counts = count([headerLine + row(1) + row(2) + row(3)]);
        expect(counts.total).toEqual({ read: 3, inserted: 3, duplicate: 0, conflict: 0, rejected: 0 });
        expect([...counts.events].map(([eventId, { recordNo }]) => [eventId, recordNo])).toEqual([
            [idOf(1), 1],
            [idOf(2), 2],
            [idOf(3), 3],
        ]);
    });

    test("the tail without a line end is a record", () => {
        expect(tally((headerLine + row(1) + row(2)).trimEnd())).toEqual([2, 2, 0, 0, 0]);
    });

    test("CRLF, LF and both in one file end lines", () => {
        expect(tally((headerLine + row(1) + row(2)).replaceAll("\n", "\r\n"))).toEqual([2, 2, 0, 0, 0]);
        expect(tally(headerLine + row(1).replace("\n", "\r\n") + row(2))).toEqual([2, 2, 0, 0, 0]);
    });

    test("a byte order mark belongs to no name", () => {
        expect(tally(`\ufeff${headerLine}${row(1)}`)).toEqual([1, 1, 0, 0, 0]);
    });

    test("empty lines are no records, and neither are lines of blanks and delimiters", () => {
        expect(tally(`\n${headerLine}\n\r\n${row(1)}\n\n${row(2)}\n`)).toEqual([2, 2, 0, 0, 0]);
        expect(tally(`${headerLine} \n, ,\n"",""\n${row(1)}`)).toEqual([1, 1, 0, 0, 0]);
    });

    test("a quoted value holds delimiters, line ends and doubled quotes", () => {
        const counts = count([
            `${headerLine}${row(1, '"view","p,1","u ""x""\r\nsecond\n\nfourth",2024-05-01 10:00:00,,')}${row(2)}`,
        ]);
        const [first, second] = [...listEvents(counts)];
        expect(first).toEqual({
            eventId: idOf(1),
            eventType: "view",
            productId: "p,1",
            userId: 'u "x"\r\nsecond\n\nfourth',
            eventTimestamp: "2024-05-01T10:00:00.000000Z",
            quantity: null,
            price: null,
            attributes: null,
            file: "0.csv",
            recordNo: 1,
        });
        expect(second?.recordNo).toBe(2);
    });

    test("a quoted last value ends at CRLF and at the end of the file", () => {
        expect(tally(`${headerLine}${row(1, 'view,p,u,2024-05-01 10:00:00,0,"1"').trimEnd()}\r\n`)).toEqual([
            1, 1, 0, 0, 0,
        ]);
        expect(tally(headerLine + row(1, 'view,p,u,2024-05-01 10:00:00,0,"1"').trimEnd())).toEqual([1, 1, 0, 0, 0]);
    });

    test("a quote inside a plain value costs its line", () => {
        expect(reasons(headerLine + row(1) + row(2, 'view,p"1,u,2024-05-01 10:00:00,0,0') + row(3))).toEqual([
            [2, ["not strictly valid CSV"]],
        ]);
    });

    test("a space before the opening quote makes it a stray one", () => {
        expect(tally(headerLine + row(1, 'view, "p1",u,2024-05-01 10:00:00,0,0') + row(2))).toEqual([2, 1, 0, 0, 1]);
    });

    test("text after a closing quote costs its line", () => {
        expect(tally(headerLine + row(1, 'view,"p1"x,u,2024-05-01 10:00:00,0,0') + row(2))).toEqual([2, 1, 0, 0, 1]);
    });

    test("an unclosed quote costs one line, whatever follows", () => {
        const unclosed = row(1, 'view,"p1,u,2024-05-01 10:00:00,0,0');
        expect(tally(headerLine + unclosed + row(2) + row(3))).toEqual([3, 2, 0, 0, 1]);
        expect(tally(headerLine + row(2) + unclosed)).toEqual([2, 1, 0, 0, 1]);
        expect(tally(headerLine + row(2) + unclosed.trimEnd())).toEqual([2, 1, 0, 0, 1]);
        expect(tally(headerLine + unclosed + unclosed + row(3, 'view,"p,1",u,2024-05-01 10:00:00,0,0'))).toEqual([
            3, 1, 0, 0, 2,
        ]);
    });

    test("an unclosed quote that a later line happens to close costs two lines when that is a record's, one value if not", () => {
        const closed = `${row(1, 'view,"p1,u,2024-05-01 10:00:00,0,0')}${row(2, 'view,p2",u,2024-05-01 10:00:00,0,0')}`;
        // Strictly valid: the third value spans the line end, and the id of the second line is in it.
        expect(tally(headerLine + closed + row(3))).toEqual([3, 1, 0, 0, 2]);
        expect(tally(headerLine + closed.replace(idOf(2), "x") + row(3))).toEqual([2, 2, 0, 0, 0]);
    });

    test("when a strict record is broken in its second line, reading resumes there", () => {
        expect(
            reasons(`${headerLine}${idOf(1)},view,"p\n${idOf(2)},view,q" x,u,2024-05-01 10:00:00,0,0\n${row(3)}`),
        ).toEqual([
            [1, ["not strictly valid CSV"]],
            [2, ["not strictly valid CSV"]],
        ]);
    });

    test("a carriage return that ends no line costs its line, and is data inside quotes", () => {
        const counts = count([
            headerLine +
                row(1, "view,p\r1,u,2024-05-01 10:00:00,0,0") +
                row(2, 'view,"p\r1",u,2024-05-01 10:00:00,0,0') +
                row(3, 'view,"p1",u\r,2024-05-01 10:00:00,0,0') +
                row(4).replace("\n", "\r\r\n") +
                row(5).replace("\n", "\r"),
        ]);
        expect([...counts.events.values()].map(({ recordNo }) => recordNo)).toEqual([2, 5]);
        expect(counts.total.rejected).toBe(3);
    });

    test("short and long rows are rejected, a row of one value too", () => {
        expect(tally(`${headerLine}${idOf(1)},view\n${row(2).trimEnd()},\n"x"\n${row(3)}`)).toEqual([4, 1, 0, 0, 3]);
    });

    test("a record over the maximum is rejected, its neighbour at the maximum is not ragged or large", () => {
        const long = row(1, `view,p,u,2024-05-01 10:00:00,0,${"0".repeat(200)}`);
        const options = { maxRecordBytes: long.length - 1 };
        expect(tally(headerLine + long, options)).toEqual([1, 1, 0, 0, 0]);
        expect(reasons(headerLine + long.replace(",0,0", ",0,00") + row(2), options)).toEqual([
            [1, ["record too large"]],
        ]);
    });

    test("the maximum is 1 MiB unless told, and a quoted record over it costs its first line only", () => {
        const filler = `${"x".repeat(999)}\n`.repeat(1_100);
        const text = `${headerLine}${idOf(1)},view,"p\n${filler}",u,2024-05-01 10:00:00,0,0\n${row(2)}`;
        // Line 1, the 1,100 lines within, and the line that begins with the closing quote.
        expect(tally(text)).toEqual([1_103, 1, 0, 0, 1_102]);
        // As one record it is only rejected for the length of its product_id.
        expect(tally(text, { maxRecordBytes: 2_000_000 })).toEqual([2, 1, 0, 0, 1]);
    });

    test("NUL and invalid UTF-8 reject their record alone", () => {
        const start = `${idOf(1)},view,p`;
        const end = `,u,2024-05-01 10:00:00,0,0\n`;
        expect(reasons(bytesOf(headerLine, start, [0], end, row(2)))).toEqual([[1, ["NUL byte"]]]);
        expect(reasons(bytesOf(headerLine, start, [0xff], end, row(2)))).toEqual([[1, ["invalid UTF-8"]]]);
        expect(reasons(bytesOf(headerLine, start, [0xed, 0xa0, 0x80], end, row(2)))).toEqual([[1, ["invalid UTF-8"]]]);
        expect(tally(bytesOf(headerLine, start, [0xc3, 0xa9], end, row(2)))).toEqual([2, 2, 0, 0, 0]);
    });
});

describe("the header", () => {
    test("matches names in any case, order and with spaces around, quoted or not", () => {
        const text = `Price, USER_ID ,"Product_Id",event_timestamp,QUANTITY,event_type,event_id\n1.5,u,p,2024-05-01 10:00:00,2,purchase,${idOf(1)}\n`;
        expect([...listEvents(count([text]))]).toMatchObject([
            { eventId: idOf(1), userId: "u", productId: "p", quantity: "2", price: "1.50", attributes: null },
        ]);
    });

    test("quantity and price may be missing and are null then", () => {
        const text = `event_id,event_type,product_id,user_id,event_timestamp\n${row(1, "view,p,u,2024-05-01 10:00:00")}`;
        expect([...listEvents(count([text]))]).toMatchObject([{ quantity: null, price: null }]);
    });

    test("a missing required column fails the file, which contributes nothing", () => {
        const counts = count(["event_id,event_type,user_id,event_timestamp\n1,2,3,4\n", headerLine + row(1)]);
        expect(counts.files.map(({ state, problem, read }) => [state, problem, read])).toEqual([
            ["failed", "header: no product_id", 0],
            ["merged", null, 1],
        ]);
        expect(counts.total.read).toBe(1);
    });

    test("unknown names differ by case and need to be names", () => {
        const withColumns = (names: string) => `${headerLine.trimEnd()},${names}\n${row(1).trimEnd()},a,b\n`;
        expect([...listEvents(count([withColumns("size,SIZE")]))]).toMatchObject([
            { attributes: { size: "a", SIZE: "b" } },
        ]);
        expect(count([withColumns("size,size")]).files[0]?.problem).toBe("header: a column twice");
        expect(count([withColumns("size, ")]).files[0]?.problem).toBe("header: values without a column name");
        const mostlyEmpty = `${headerLine.trimEnd()},\n${row(1).trimEnd()},\n${row(2).trimEnd()}, \n${row(3).trimEnd()},x\n`;
        expect(count([mostlyEmpty]).files[0]).toMatchObject({ state: "merged", inserted: 2, rejected: 1 });
    });

    test("a column that is there twice, a broken header and an empty file fail", () => {
        expect(count([headerLine.replace("price", "Quantity")]).files[0]?.problem).toBe("header: a column twice");
        expect(count([headerLine.replace("price", 'pri"ce') + row(1)]).files[0]?.problem).toBe(
            "header: not strictly valid CSV",
        );
        expect(count([""]).files[0]?.problem).toBe("no header");
    });

    test("unknown columns become attributes, which are part of what is compared", () => {
        const extra = headerLine.replace("\n", ",Colour,size\n");
        const withExtra = (n: number, rest: string) => `${row(n).trimEnd()},${rest}\n`;
        const counts = count([
            extra + withExtra(1, "red,") + withExtra(1, "red,") + withExtra(1, " red ,"),
            headerLine.replace("\n", ",size,Colour\n") + withExtra(1, ",red") + withExtra(2, "L,é"),
            headerLine + row(1),
            extra + withExtra(3, ",") + withExtra(4, ' ,""'),
            headerLine + row(3),
        ]);
        expect(counts.files.map(({ inserted, duplicate, conflict }) => [inserted, duplicate, conflict])).toEqual([
            [1, 1, 1],
            [1, 1, 0],
            [0, 0, 1],
            [2, 0, 0],
            [0, 1, 0],
        ]);
        expect([...listEvents(counts)].map(({ attributes }) => attributes)).toEqual([
            { Colour: "red" },
            { Colour: "é", size: "L" },
            null,
            { Colour: " " },
        ]);
    });
});

describe("values", () => {
    const verdicts = (column: number, texts: string[]) =>
        texts.filter((text) => {
            const values = [idOf(1), "view", "p", "u", "2024-05-01 10:00:00", "0", "0"].with(column, text);
            return tally(`${headerLine}${values.join(",")}\n`)[1] === 1;
        });
    const accepts = (column: number, valid: string[], invalid: string[]) => {
        expect(verdicts(column, valid)).toEqual(valid);
        expect(verdicts(column, invalid)).toEqual([]);
    };

    test("event_id is a dashed uuid in any case", () => {
        accepts(
            0,
            ["00000000-0000-0000-0000-000000000000", "ABCDEF01-2345-6789-abcd-ef0123456789", ` ${idOf(1)}\t`],
            ["", " ", "x", idOf(1).replaceAll("-", ""), `{${idOf(1)}}`, `${idOf(1)}0`, idOf(1).replace("8", "g")],
        );
    });

    test("event_type is one of four, in lower case", () => {
        accepts(1, ["view", "add_to_cart", "remove_from_cart", " purchase "], ["", "View", "click", "view;"]);
    });

    test("product_id and user_id have 1 to 100 characters", () => {
        for (const column of [2, 3]) {
            accepts(column, ["x", "x".repeat(100), "🛒".repeat(100), "NULL"], ["", "x".repeat(101), "é".repeat(101)]);
        }
    });

    test("event_timestamp is a real instant in one of the forms", () => {
        accepts(
            4,
            [
                "2024-05-01T10:00:00",
                "2024-05-01 10:00:00.123456",
                "2024-02-29 23:59:59Z",
                "2000-02-29 00:00:00.1+02",
                "2024-05-01 10:00:00-0330",
                "2024-05-01 10:00:00+05:45",
                "1970-01-01 00:00:00",
            ],
            [
                "",
                "2024-05-01",
                "2024-05-01 10:00",
                "2024-05-01  10:00:00",
                "2024-05-01 10:00:00 Z",
                "2024-05-01 10:00:00.",
                "2024-05-01 10:00:00.1234567",
                "2024-05-01 10:00:00+2",
                "2024-05-01 10:00:00 PM",
                "2024-05-01 24:00:00",
                "2024-05-01 10:60:00",
                "2024-05-01 10:00:60",
                "2023-02-29 10:00:00",
                "1900-02-29 10:00:00",
                "2024-04-31 10:00:00",
                "2024-00-01 10:00:00",
                "2024-13-01 10:00:00",
                "2024-01-00 10:00:00",
                "1969-12-31 23:59:59",
                "2999-01-01 00:00:00",
                "now",
            ],
        );
    });

    test("event_timestamp may lie as late as the latest, not later", () => {
        const options = { latestTimestamp: new Date("2024-05-01T10:00:00Z") };
        expect(tally(headerLine + row(1, "view,p,u,2024-05-01 10:00:00,0,0"), options)[1]).toBe(1);
        expect(tally(headerLine + row(1, "view,p,u,2024-05-01 10:00:00.000001,0,0"), options)[1]).toBe(0);
        expect(tally(headerLine + row(1, "view,p,u,2024-05-01 09:00:01-01,0,0"), options)[1]).toBe(0);
    });

    test("quantity is null or digits that fit an integer", () => {
        accepts(
            5,
            ["", " ", "0", "-0", "-00", "007", "2147483647"],
            ["2147483648", "-1", "-01", "+1", "1.0", "1e3", "0x1F", "1_000", "two"],
        );
    });

    test("price is null or digits with two decimals that matter", () => {
        accepts(
            6,
            ["", "0", "12.5", "12.340", "12.34000", "99999999.99", "0012.10", "-0", "-0.000"],
            ["12.345", "-1", "-0.01", "-.0", "+1", "100000000", "1e2", "NaN", "Infinity", "1.2.3", "$1", "1 2"],
        );
    });

    test("a record with several faults names them all", () => {
        expect(reasons(`${headerLine}x,click,,u,now,-1,0.001\n`)).toEqual([
            [
                1,
                [
                    "event_id: not a uuid",
                    "event_type: unknown type",
                    "product_id: missing",
                    "event_timestamp: not a timestamp",
                    "quantity: not digits",
                    "price: more than two decimals",
                ],
            ],
        ]);
    });
});

describe("duplicates and conflicts", () => {
    const purchase = "purchase,p1,u1,2024-05-01 10:00:00,2,12.50";

    test("the first record of an id wins; the same values in other words are duplicates", () => {
        const others = [
            purchase,
            " purchase ,p1\t,u1,2024-05-01T10:00:00Z,2,12.5",
            "purchase,p1,u1,2024-05-01 12:00:00.000000+02:00,02,0012.500",
        ];
        const text = headerLine + row(1, purchase) + others.map((other) => row(1, other)).join("");
        expect(tally(text)).toEqual([4, 1, 3, 0, 0]);
        const letters = idOf(1).replace("4000", "4abc");
        expect(tally(`${headerLine}${letters},${purchase}\n${letters.toUpperCase()},${purchase}\n`)).toEqual([
            2, 1, 1, 0, 0,
        ]);
    });

    test("a difference in any value is a conflict", () => {
        const others = [
            "view,p1,u1,2024-05-01 10:00:00,2,12.50",
            "purchase,P1,u1,2024-05-01 10:00:00,2,12.50",
            "purchase,p1,u1 x,2024-05-01 10:00:00,2,12.50",
            "purchase,p1,u1,2024-05-01 10:00:00.000001,2,12.50",
            "purchase,p1,u1,2024-05-01 10:00:00,3,12.50",
            "purchase,p1,u1,2024-05-01 10:00:00,,12.50",
            "purchase,p1,u1,2024-05-01 10:00:00,2,12.51",
        ];
        const text = headerLine + row(1, purchase) + others.map((other) => row(1, other)).join("");
        expect(tally(text)).toEqual([8, 1, 0, 7, 0]);
    });

    test("a later record is compared with the first, not with a conflicting one", () => {
        const other = purchase.replace("p1", "p2");
        expect(tally(headerLine + row(1, purchase) + row(1, other) + row(1, purchase) + row(1, other))).toEqual([
            4, 1, 1, 2, 0,
        ]);
    });

    test("a rejected record claims no id, nor is it a duplicate", () => {
        const text = headerLine + row(1, purchase.replace("12.50", "-1")) + row(1, purchase) + row(1, "click,p,u,,,");
        expect(count([text]).outcomes.map(({ recordNo, kind }) => [recordNo, kind])).toEqual([
            [1, "rejected"],
            [3, "rejected"],
        ]);
    });

    test("duplicates and conflicts reach over files, and name the record that came first", () => {
        const counts = count([headerLine + row(9) + row(1), headerLine + row(1), headerLine + row(1, purchase)]);
        expect(counts.outcomes).toEqual([
            { file: "1.csv", recordNo: 1, kind: "duplicate", reasons: ["first seen in 0.csv, record 2"] },
            { file: "2.csv", recordNo: 1, kind: "conflict", reasons: ["first seen in 0.csv, record 2"] },
        ]);
    });

    test("a file with the content of an earlier merged one is skipped, of a failed one is not", () => {
        const counts = count([headerLine + row(1), "x\n", headerLine + row(1), "x\n", `${headerLine}${row(1)}\n`]);
        expect(counts.files.map(({ state, problem, read }) => [state, problem, read])).toEqual([
            ["merged", null, 1],
            ["failed", expect.stringMatching(/^header: no event_id/), 0],
            ["skipped", "same content as 0.csv", 0],
            ["failed", expect.stringMatching(/^header: no event_id/), 0],
            ["merged", null, 1],
        ]);
        expect(counts.total).toEqual({ read: 2, inserted: 1, duplicate: 1, conflict: 0, rejected: 0 });
    });
});

describe("a folder", () => {
    const dir = mkdtempSync(join(tmpdir(), "sluice-oracle-"));
    afterAll(() => rmSync(dir, { recursive: true }));

    test("is read in byte order of the names, without links and files that are not ready", () => {
        for (const name of ["b.csv", "B.csv", "é.csv", "a10.csv", "a9.csv"])
            writeFileSync(join(dir, name), `${headerLine}${row(1)}\n${name}`);
        for (const name of [".hidden.csv", "_x.csv", "x.csv.tmp", "x.csv.part", "notes.txt"]) {
            writeFileSync(join(dir, name), headerLine + row(2));
        }
        symlinkSync(join(dir, "b.csv"), join(dir, "link.csv"));
        const counts = countFolder(dir);
        expect(counts.files.map(({ file }) => file)).toEqual(["B.csv", "a10.csv", "a9.csv", "b.csv", "é.csv"]);
        expect(counts.total).toEqual({ read: 10, inserted: 1, duplicate: 4, conflict: 0, rejected: 5 });
    });

    test("can be counted from the command line", () => {
        const script = join(import.meta.dir, "count-records.ts");
        const result = Bun.spawnSync([process.execPath, script, dir, "--json", "--list"]);
        const { total, files, events, outcomes } = JSON.parse(result.stdout.toString());
        expect([total.read, files.length, events.length, outcomes.length]).toEqual([10, 5, 1, 9]);
    });
});
