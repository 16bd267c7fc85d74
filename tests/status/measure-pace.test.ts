import { describe, expect, test } from "bun:test";
import {
    measureCapacity,
    measurePace,
    type PaceFacts,
    tellingMerges,
} from "../../src/operations/status/measure-pace.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
const merge = (from: number, to: number, read: number) => ({ startedAt: at(from), finishedAt: at(to), read });

describe("capacity", () => {
    test("is not known before the first merge", () => {
        expect(measureCapacity([])).toBeNull();
        expect(measureCapacity([merge(0, 1, 0)])).toBeNull();
    });

    test("is records over the time of merging, pauses left out", () => {
        expect(measureCapacity([merge(10, 12, 3000), merge(0, 1, 3000)])).toBe(2000);
    });

    test("counts merges that ran side by side together", () => {
        expect(measureCapacity([merge(0, 2, 4000), merge(1, 3, 4000), merge(1, 2, 1000)])).toBe(3000);
    });

    test("is of merges that say something: a thousand records, or a second", () => {
        const [tiny, slow, large] = [merge(0, 0.9, 999), merge(0, 1, 3), merge(0, 0.1, 1000)];
        expect(tellingMerges([tiny, slow, large])).toEqual([slow, large]);
        expect(tellingMerges([tiny])).toEqual([]);
    });

    test("has a bound even when the clock saw no time pass", () => {
        expect(measureCapacity([merge(1, 1, 5)])).toBe(5000);
    });
});

describe("arrival and backlog", () => {
    const facts: PaceFacts = {
        backlog: { unreadBytes: 0, newUnreadBytes: 0, stagedRecords: 0 },
        arrivals: { stagedRecords: 600, stagedRecordsOfNewFiles: 60, bytesPerRecord: 50 },
        largestMerges: [merge(0, 1, 1000)],
    };

    test("what was read in the last minute, while nothing waits to be read", () => {
        expect(measurePace(facts)).toEqual({
            arrivalPerSecond: 10,
            capacityPerSecond: 1000,
            waitingRecords: 0,
            drainSeconds: 0,
        });
    });

    test("of files seen in the last minute, unread ones by their size, while older ones wait", () => {
        const backlog = { unreadBytes: 500_000, newUnreadBytes: 6000, stagedRecords: 5000 };
        expect(measurePace({ ...facts, backlog })).toEqual({
            arrivalPerSecond: 3,
            capacityPerSecond: 1000,
            waitingRecords: 15_000,
            drainSeconds: 15,
        });
    });

    test("nothing is known of how long it takes before the first merge", () => {
        const backlog = { unreadBytes: 1000, newUnreadBytes: 1000, stagedRecords: 0 };
        const arrivals = { ...facts.arrivals, bytesPerRecord: null };
        expect(measurePace({ backlog, arrivals, largestMerges: [] })).toMatchObject({
            waitingRecords: 10,
            drainSeconds: null,
        });
    });
});
