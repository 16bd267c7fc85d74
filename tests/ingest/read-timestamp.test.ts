/** Times of named zones, beside PostgreSQL's reading of them, which has rules of its own for the two awkward hours. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createTimestampReader } from "../../src/streams/values/read-timestamp.ts";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

const zones = [
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
];
const from = Date.UTC(1980, 0, 1) / 60_000;
const to = Date.UTC(2022, 0, 1) / 60_000;

test.each(zones)(
    "any time of %s is the moment that PostgreSQL takes it for, unless there is none or two",
    async (zone) => {
        const read = createTimestampReader({ zone });
        const minutes = fc.sample(fc.integer({ min: from, max: to }), 3000);
        const locals = minutes.map((minute) => new Date(minute * 60_000).toISOString().slice(0, 19).replace("T", " "));
        const rows = await database.sql<{ local: string; utc: string; back: string }[]>`
        select
            local_time::text as local,
            (local_time at time zone ${zone} at time zone 'UTC')::text || '+00:00' as utc,
            (local_time at time zone ${zone} at time zone ${zone})::text as back
        from unnest(${locals}::text[]::timestamp[]) as local_time`;
        let plain = 0;
        for (const { local, utc, back } of rows) {
            const found = read(local)!;
            if (found.endsWith(`(skipped in ${zone})`)) expect(back).not.toBe(local);
            else if (!found.endsWith(`(twice in ${zone})`)) {
                expect([local, found]).toEqual([local, utc]);
                plain += 1;
            }
        }
        expect(plain).toBeGreaterThan(2900);
    },
);

test("a time that comes twice is two moments, an hour or less apart, of which fold chooses", () => {
    const moment = (fold: "earlier" | "later") =>
        createTimestampReader({ zone: "Australia/Lord_Howe", fold })("2021-04-04 01:45:00");
    // Clocks go back by half an hour, from +11:00 to +10:30.
    expect([moment("earlier"), moment("later")]).toEqual(["2021-04-03 14:45:00+00:00", "2021-04-03 15:15:00+00:00"]);
});
