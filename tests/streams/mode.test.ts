import { describe, expect, test } from "bun:test";
import { modeSchema } from "../../src/streams/mode.ts";
import { readDeclaration } from "../../src/streams/read-declaration.ts";
import {
    addRecordCounts,
    describeEquation,
    isBalanced,
    noRecords,
    shownOutcomes,
} from "../../src/terminal/record-counts.ts";

describe("a stream's mode", () => {
    test("is insert when its file says nothing of it", () => {
        expect(modeSchema.parse({})).toEqual({ name: "insert" });
        expect(readDeclaration({ files: "o*.csv", table: "orders" })).toMatchObject({ mode: { name: "insert" } });
    });

    test.each([
        [{ version: "v" }, "version", "has no meaning in the mode insert: it belongs to upsert"],
        [{ deleteWhen: "gone" }, "deleteWhen", "it belongs to upsert"],
        [{ mode: "snapshot", history: true }, "history", "has no meaning in the mode snapshot: it belongs to upsert"],
        [{ by: ["day"] }, "by", "it belongs to snapshot"],
        [{ maxRemoved: "20%" }, "maxRemoved", "it belongs to snapshot"],
        [{ mode: "replace" }, "mode", "must be insert"],
    ])("%j names its fault", (given, path, message) => {
        const { issues } = modeSchema.safeParse(given).error!;
        expect(issues[0]!.path.join(".")).toBe(path);
        expect(issues[0]!.message).toContain(message);
        const read = readDeclaration({ files: "o*.csv", table: "orders", ...given });
        expect(read).toEqual({ faults: expect.stringContaining(`${path}: `) });
    });

    test("is told beside what is wrong with how its files are read", () => {
        const read = readDeclaration({ files: "o*.csv", table: "orders", by: ["day"], delimiter: "too long" });
        expect(read).toEqual({ faults: expect.stringMatching(/by: .*; delimiter: /) });
    });
});

describe("the counts of records", () => {
    const some = { ...noRecords(), read: 6, inserted: 1, updated: 2, conflict: 3, removed: 9 };

    test("balance when all outcomes make what was read; rows removed are no records", () => {
        expect(isBalanced(some)).toBe(true);
        for (const name of ["read", "updated", "superseded", "deleted"] as const) {
            expect(isBalanced({ ...some, [name]: some[name] + 1 })).toBe(false);
        }
        expect(isBalanced(addRecordCounts([some, some, noRecords()]))).toBe(true);
        expect(addRecordCounts([some, some])).toMatchObject({ read: 12, updated: 4, removed: 18 });
    });

    test("show what only upserts and snapshots have where there is some", () => {
        expect(describeEquation()).toBe("read = inserted + duplicate + conflict + rejected");
        expect(shownOutcomes(noRecords(), some)).toEqual(["inserted", "updated", "duplicate", "conflict", "rejected"]);
    });
});
