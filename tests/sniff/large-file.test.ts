import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { candidateOf, type KeyColumn } from "../../src/operations/sniff/candidate-keys.ts";
import { ColumnEvidence } from "../../src/operations/sniff/column-evidence.ts";
import { sniffFile } from "../../src/operations/sniff/sniff-file.ts";
import { verifyKeys } from "../../src/operations/sniff/verify-keys.ts";
import { readingLimits } from "./reading-limits.ts";

const folders: string[] = [];
afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function sniff(lines: string[]) {
    const folder = mkdtempSync(join(tmpdir(), "sluice-sniff-"));
    folders.push(folder);
    const path = join(folder, "large.csv");
    await Bun.write(path, `${lines.join("\n")}\n`);
    return await sniffFile({ config: readingLimits, path });
}

function numbered(count: number, line: (no: number) => string): string[] {
    return Array.from({ length: count }, (_, index) => line(index + 1));
}

test("one value far behind the first ten thousand decides, and the note names its record", async () => {
    const records = numbered(30_000, (no) => {
        const zip = no === 29_001 ? "01069" : String(10_000 + (no % 80_000));
        const amount = no === 25_000 ? "12.345" : "1.50";
        const count = no === 20_000 ? "n/a" : String(no % 7);
        const day = no === 15_000 ? "05.01.2026" : "2026-01-05";
        return `${no},${zip},${amount},${count},${day},${no === 12_345 ? "" : "x"}`;
    });
    const { columns } = await sniff(["id,area,amount,quantity,day,name", ...records]);
    expect(columns.map(({ type }) => type)).toEqual(["bigint", "text", "numeric", "text", "text", "text"]);
    const notes = columns.map(({ note }) => note);
    expect(notes[1]).toBe('text: "01069" begins with 0');
    expect(notes[2]).toBe("2 to 3 decimals");
    expect(notes[3]).toContain('"n/a" (1); if so, give --null "n/a", and the column is integer');
    expect(notes[4]).toBe('text: "05.01.2026" in record 15,000 is no date; 29,999 of 30,000 are');
    expect(columns[5]!.isNullable).toBe(true);
});

test("a key that comes again in the last record is none", async () => {
    const records = numbered(50_000, (no) => `${no === 50_000 ? 20 : no},${no % 5},${Math.ceil(no / 5)}`);
    const { columns, key, asks } = await sniff(["order_id,line,stop_id", ...records]);
    expect(columns[0]!.note).toContain('"20" comes again in record 50,000');
    // The lines of a stop are numbered: the two together come once.
    expect([key?.columns, asks]).toEqual([["line", "stop_id"], []]);
});

const column = (name: string, index: number, type = "text"): KeyColumn => {
    return { fileName: name, name, index, type, evidence: new ColumnEvidence(name) };
};

/** Records in memory, and how often they were read. */
function passesOver(records: string[][]) {
    const counted = { passes: 0 };
    const pass = async (onRecord: (values: readonly string[], recordNo: number) => void) => {
        counted.passes += 1;
        for (const [index, values] of records.entries()) onRecord(values, index + 1);
    };
    return { pass, counted };
}

test("keys that have no room in memory are verified part by part, to the same answer", async () => {
    const records = Array.from({ length: 20_000 }, (_, index) => [`a${index}`, `b${index % 19_999}`]);
    const unique = candidateOf([column("a", 0)], null);
    const repeated = candidateOf([column("b", 1)], null);
    const { pass, counted } = passesOver(records);
    const roomBytes = 64 * 1024;
    expect(await verifyKeys(pass, [unique], roomBytes)).toMatchObject([{ isUnique: true, repeated: null }]);
    expect(counted.passes).toBeGreaterThan(2);
    const verdicts = await verifyKeys(pass, [repeated, unique], roomBytes);
    expect(verdicts.map(({ isUnique }) => isUnique)).toEqual([false, true]);
    expect(verdicts[0]!.repeated).toEqual({ text: "b0", recordNo: 20_000 });
});

test("values that are equal in the column's type are one key", async () => {
    const cases: [type: string, left: string, right: string][] = [
        ["uuid", "018F0000-0000-4000-8000-00000000000A", "018f0000-0000-4000-8000-00000000000a"],
        ["timestamptz", "2026-01-05T10:00:00+01:00", "2026-01-05 09:00:00.000Z"],
        ["timestamptz", "2026-01-05T10:00:00.120+0100", "2026-01-05T09:00:00.12Z"],
        ["timestamptz", "2026-01-05T10:00+01", "2026-01-05 09:00:00 UTC"],
        ["timestamp", "2026-01-05T10:00", "2026-01-05 10:00:00"],
        ["integer", "-0", "0"],
        ["integer", "+5", "5"],
        ["numeric(12,2)", "1.50", "1.5"],
    ];
    for (const [type, left, right] of cases) {
        const { pass } = passesOver([[left], [right]]);
        const [verdict] = await verifyKeys(pass, [candidateOf([column("id", 0, type)], null)]);
        expect([left, verdict!.isUnique]).toEqual([left, false]);
    }
    const { pass } = passesOver([["2026-01-05 10:00:00.000001Z"], ["2026-01-05 10:00:00.000002Z"]]);
    const [verdict] = await verifyKeys(pass, [candidateOf([column("at", 0, "timestamptz")], null)]);
    expect(verdict!.isUnique).toBe(true);
});
