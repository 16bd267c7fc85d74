/**
 * The seeded model test over several streams in one database, of every mode, and events. `bun run test:faults --streams` is the long
 * one; with `--seed N` it replays a seed.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { chooseSeed, isLongRun, testTimeoutMs } from "../../support/generate-folder.ts";
import { useOwnServer } from "../../support/own-server.ts";
import { ingestFaults } from "../model/ingest-faults.ts";
import { makeSchedule } from "../model/make-schedule.ts";
import { runSchedule } from "../model/run-schedule.ts";
import { streamsBeside } from "./beside.ts";
import { makeAllFiles } from "./make-files.ts";

// Only against a hang: a run that stands still, or goes round in circles, ends itself and says so.
setDefaultTimeout(Math.max(testTimeoutMs, 900_000));

// In CI, these three have files for all streams, some of them rewritten, continued or copied; one is undisturbed, and one disturbed.
const firstSeed = chooseSeed("streams") + 351;
const seeds = Array.from({ length: isLongRun ? 40 : 2 }, (_, index) => firstSeed + index);
const server = useOwnServer();
const options = { isLong: false, ...ingestFaults, makers: makeAllFiles };

test.each(seeds)(
    "promises 1 to 10: whatever befalls the run of seed %i, every stream's tables are the model's",
    async (seed) => {
        const { kind, violations, details } = await runSchedule(server, makeSchedule(seed, options), streamsBeside);
        expect({ seed, kind, violations: violations.slice(0, 10), details }).toEqual({
            seed,
            kind,
            violations: [],
            details: null,
        });
    },
);
