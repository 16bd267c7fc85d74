/**
 * Two witnesses: the model, which knows what it made, and the reader of tests/support/oracle, which only sees the bytes.
 * Neither knows the pipeline. A seed that they tell apart would make the model test meaningless.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { countFiles } from "../../support/count-records.ts";
import { chooseSeed, testTimeoutMs } from "../../support/generate-folder.ts";
import { ingestFaults } from "./ingest-faults.ts";
import { makeSchedule, type Schedule } from "./make-schedule.ts";
import { readRange } from "./read-ranges.ts";

// Only against a hang: on a busy machine a hundred schedules take a minute.
setDefaultTimeout(testTimeoutMs);

const firstSeed = chooseSeed("witnesses");
const options = { isLong: false, ...ingestFaults };
const schedules = Array.from({ length: 30 }, (_, index) => makeSchedule(firstSeed + index, options));
const contentsOf = ({ history }: Schedule) => [...history.values()].flatMap(({ contents }) => contents);

test("the model's records are those that an independent reader sees in the bytes, fate by fate", () => {
    let compared = 0;
    for (const schedule of schedules) {
        for (const content of contentsOf(schedule)) {
            const seen = countFiles([{ name: "a.csv", bytes: content.bytes }], schedule);
            expect(seen.files[0]!.state).toBe(content.problem === null ? "merged" : "failed");
            if (content.problem !== null) continue;
            const made = readRange(content, 0, content.bytes.length, schedule.maxRecordBytes);
            expect({ seed: schedule.seed, read: seen.total.read }).toEqual({ seed: schedule.seed, read: made.length });
            const rejected = seen.outcomes.filter(({ kind }) => kind === "rejected").map(({ recordNo }) => recordNo);
            expect(rejected).toEqual(made.flatMap(({ eventId, recordNo }) => (eventId === null ? [recordNo] : [])));
            for (const [eventId, { recordNo, content: typed }] of seen.events) {
                expect(made[recordNo - 1]).toMatchObject({ recordNo, eventId, content: typed });
            }
            compared += made.length;
        }
    }
    expect(compared).toBeGreaterThan(10_000);
});

test("a seed gives the same schedule, to the byte, whoever asks", () => {
    for (const schedule of schedules) expect(makeSchedule(schedule.seed, options)).toEqual(schedule);
});

test("a hundred seeds meet every kind of run, arrival and fault", () => {
    const met = new Set<string>();
    const hundred = Array.from({ length: 100 }, (_, index) => makeSchedule(firstSeed + index, options));
    for (const { kind, steps } of hundred) {
        met.add(kind);
        for (const { action } of steps) met.add(action.do === "strike" ? action.fault : action.do);
    }
    const arrivals = ["put", "grow", "overwrite", "truncate", "remove", "rename", "start", "stop"];
    const faults = ["kill worker", "freeze worker", "end backend", "cancel backends", "crash backend"];
    const serverFaults = ["kill postmaster", "restart server", "cut connections", "lose answers", "roll back"];
    const lasting = ["set time-outs", "limit connections", "read staging"];
    expect([...met].sort()).toEqual(
        ["undisturbed", "arrivals", "disturbed", ...arrivals, ...faults, ...serverFaults, ...lasting].sort(),
    );
});
