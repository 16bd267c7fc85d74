/**
 * The seeded model test, short: random arrivals, workers and faults, and everything they leave held to a model that knows
 * what it made. `bun run test:faults` is the long one; `bun run test:faults --seed N` replays a seed that failed here.
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { chooseSeed, isLongRun, testTimeoutMs } from "../../support/generate-folder.ts";
import { useOwnServer } from "../../support/own-server.ts";
import { ingestFaults } from "./ingest-faults.ts";
import { makeSchedule } from "./make-schedule.ts";
import { runSchedule } from "./run-schedule.ts";

// Only against a hang: a run that stands still, or goes round in circles, ends itself and says so.
setDefaultTimeout(Math.max(testTimeoutMs, 900_000));

const firstSeed = chooseSeed("model");
const seeds = Array.from({ length: isLongRun ? 100 : 3 }, (_, index) => firstSeed + index);
const server = useOwnServer();
const befallen: Record<string, number> = {};

afterAll(async () => {
    console.log(`model: ${JSON.stringify(befallen)}`);
});

test.each(seeds)("promises 1 to 10: whatever befalls the run of seed %i, its tables are the model's", async (seed) => {
    const report = await runSchedule(server, makeSchedule(seed, { isLong: false, ...ingestFaults }));
    for (const [kind, count] of Object.entries(report.faults)) befallen[kind] = (befallen[kind] ?? 0) + count;
    const { kind, violations, details } = report;
    expect({ seed, kind, violations: violations.slice(0, 10), details }).toEqual({
        seed,
        kind,
        violations: [],
        details: null,
    });
});
