/** The oracle beside what the cases ask of it: they hold its rules, count-records-cases.test.ts. */
import { expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CountOptions, countFiles, countFolder } from "./count-records.ts";
import { headerLine, idOf, makeFolder } from "./fixture.ts";

const row = (n: number, rest = "view,p1,u1,2024-05-01 10:00:00,0,0") => `${idOf(n)},${rest}\n`;

/** Counts files named 0.csv, 1.csv, …; a text is encoded as UTF-8. */
function count(contents: string[], options?: CountOptions) {
    const files = contents.map((content, index) => ({ name: `${index}.csv`, bytes: Buffer.from(content) }));
    return countFiles(files, options);
}

test("event_timestamp may lie as late as the latest, not later", () => {
    const times = ["2024-05-01 10:00:00", "2024-05-01 10:00:00.000001", "2024-05-01 09:00:01-01"];
    const rows = times.map((time, index) => row(index, `view,p,u,${time},0,0`));
    const { outcomes } = count([headerLine + rows.join("")], { latestTimestamp: new Date("2024-05-01T10:00:00Z") });
    expect(outcomes.map(({ recordNo }) => recordNo)).toEqual([2, 3]);
});

test("duplicates and conflicts reach over files, and name the record that came first", () => {
    const counts = count([
        headerLine + row(9) + row(1),
        headerLine + row(1),
        headerLine + row(1, "view,p2,u1,2024-05-01 10:00:00,0,0"),
    ]);
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
    expect(counts.total).toMatchObject({ read: 2, inserted: 1, duplicate: 1, conflict: 0, rejected: 0 });
});

test("a folder is read in byte order of the names, without links and files that are not ready", () => {
    const dir = makeFolder();
    for (const name of ["b.csv", "B.csv", "é.csv", "a10.csv", "a9.csv"])
        writeFileSync(join(dir, name), `${headerLine}${row(1)}\n${name}`);
    for (const name of [".hidden.csv", "_x.csv", "x.csv.tmp", "x.csv.part", "notes.txt"]) {
        writeFileSync(join(dir, name), headerLine + row(2));
    }
    symlinkSync(join(dir, "b.csv"), join(dir, "link.csv"));
    const counts = countFolder(dir);
    expect(counts.files.map(({ file }) => file)).toEqual(["B.csv", "a10.csv", "a9.csv", "b.csv", "é.csv"]);
    expect(counts.total).toMatchObject({ read: 10, inserted: 1, duplicate: 4, conflict: 0, rejected: 5 });
});
