import { beforeEach, describe, expect, test } from "bun:test";
import { createTailWatch, type TailWatch } from "../../src/engine/discover/watch-tails.ts";

const settleMs = 10_000;
const file = { fileId: 1, path: "a.csv" };
const other = { fileId: 2, path: "b.csv" };
const seen = (sizeBytes: number, mtimeNs = "1", inode = "1") => ({ sizeBytes, mtimeNs, inode });

let now = 0;
let tails: TailWatch;
beforeEach(() => {
    now = 5_000;
    tails = createTailWatch(settleMs, { now: () => now });
});

describe("an unfinished tail", () => {
    test("counts once its file has been still for as long as it is told, and no sooner", () => {
        tails.wait(file, seen(100));
        expect([tails.isSettled(file, seen(100)), tails.waiting()]).toEqual([false, [1]]);
        now += settleMs - 1;
        expect([tails.isSettled(file, seen(100)), tails.waiting()]).toEqual([false, [1]]);
        now += 1;
        expect([tails.isSettled(file, seen(100)), tails.waiting()]).toEqual([true, []]);
    });

    test("begins to wait anew when the file has grown or was touched", () => {
        tails.wait(file, seen(100));
        now += settleMs - 1;
        tails.wait(file, seen(101));
        now += settleMs - 1;
        expect(tails.isSettled(file, seen(101))).toBe(false);
        tails.wait(file, seen(101, "2"));
        now += settleMs - 1;
        expect(tails.isSettled(file, seen(101, "2"))).toBe(false);
        now += 1;
        expect(tails.isSettled(file, seen(101, "2"))).toBe(true);
    });

    test("goes on waiting when the file is looked at again and is the same", () => {
        tails.wait(file, seen(100));
        now += settleMs / 2;
        tails.wait(file, seen(100));
        now += settleMs / 2;
        expect(tails.isSettled(file, seen(100))).toBe(true);
    });

    test("is looked at again at once, and is not settled, when its file is seen to have changed", () => {
        tails.wait(file, seen(100));
        now += settleMs;
        tails.forget(file.fileId);
        expect([tails.isSettled(file, seen(100)), tails.waiting()]).toEqual([false, []]);
    });

    test("of a file that nobody waits for has not settled", () => {
        expect([tails.isSettled(file, seen(100)), tails.waiting()]).toEqual([false, []]);
        tails.forget(2);
    });
});

test("each file waits for itself", () => {
    tails.wait(file, seen(1));
    now += 3_000;
    tails.wait(other, seen(2));
    expect(tails.waiting()).toEqual([1, 2]);
    now += 7_000;
    expect([tails.isSettled(file, seen(1)), tails.isSettled(other, seen(2))]).toEqual([true, false]);
    expect(tails.waiting()).toEqual([2]);
});

test("with no time to settle every tail counts at once, also of a file that is seen for the first time", () => {
    const impatient = createTailWatch(0, { now: () => now });
    expect(impatient.isSettled(file, seen(1))).toBe(true);
    impatient.wait(file, seen(1));
    expect([impatient.isSettled(file, seen(1)), impatient.waiting()]).toEqual([true, []]);
});

test("does not believe a file's own time: one from the future settles like others", () => {
    const future = seen(100, String(10n ** 21n));
    tails.wait(file, future);
    now += settleMs;
    expect(tails.isSettled(file, future)).toBe(true);
});

test("does not settle when its file is found to have changed in the very moment that it is opened", () => {
    tails.wait(file, seen(100));
    now += settleMs;
    expect(tails.isSettled(file, seen(101, "2"))).toBe(false);
});

describe("by the file's own times", () => {
    const aged = (age: number | null) => createTailWatch(settleMs, { now: () => now, ageOf: () => age });

    test("an old tail counts at once, a young one once the time that it lacks is over", () => {
        expect(aged(settleMs).isSettled(file, seen(1))).toBe(true);
        const young = aged(settleMs - 1_000);
        expect(young.isSettled(file, seen(1))).toBe(false);
        expect([young.wait(file, seen(1)), young.waiting()]).toEqual([true, [1]]);
        now += 999;
        expect(young.waiting()).toEqual([1]);
        now += 1;
        expect(young.waiting()).toEqual([]);
    });

    test("times that do not tell leave it to our own clock", () => {
        const undated = aged(null);
        expect(undated.isSettled(file, seen(1))).toBe(false);
        undated.wait(file, seen(1));
        now += settleMs;
        expect(undated.isSettled(file, seen(1))).toBe(true);
    });
});

test("the ledger is told once of each file that waits, and again when it has changed", () => {
    tails.wait(file, seen(100));
    expect(tails.unnoted()).toEqual([{ fileId: 1, ...seen(100) }]);
    tails.noted();
    expect([tails.wait(file, seen(100)), tails.unnoted()]).toEqual([false, []]);
    tails.wait(file, seen(101));
    expect(tails.unnoted()).toEqual([{ fileId: 1, ...seen(101) }]);
});
