/**
 * `bun run test:faults [--seeds N] [--minutes M] [--seed S] [--streams] [--bucket] [--points]`: the seeded model test with fresh
 * seeds, as many or as long as asked for. `--seed` replays one; `--streams` has several streams in one database; with `--bucket` the
 * files are objects; `--points` runs the tables of fault points and world faults instead, long. The last line is
 * `N passed, N failed`.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { drawSeed } from "../../src/shop/generator/random.ts";
import { openOwnServer } from "../support/own-server.ts";
import { peak } from "../support/watch-usage.ts";
import { openBucketInboxes } from "./model/inboxes.ts";
import { ingestFaults } from "./model/ingest-faults.ts";
import { bucketFaults, faultKinds, makeSchedule } from "./model/make-schedule.ts";
import { type RunReport, runSchedule } from "./model/run-schedule.ts";
import { streamsBeside } from "./streams/beside.ts";
import { makeAllFiles } from "./streams/make-files.ts";

const { values } = parseArgs({
    options: {
        seeds: { type: "string" },
        minutes: { type: "string" },
        seed: { type: "string" },
        points: { type: "boolean", default: false },
        short: { type: "boolean", default: false },
        streams: { type: "boolean", default: false },
        bucket: { type: "boolean", default: false },
    },
});

if (values.points) {
    const child = Bun.spawn([process.execPath, "scripts/test.ts", "tests/faults"], {
        cwd: `${import.meta.dir}/../..`,
        env: { ...process.env, SLUICE_TEST_LONG: "1" },
        stdio: ["ignore", "inherit", "inherit"],
    });
    process.exit(await child.exited);
}

const until = values.minutes ? Date.now() + Number(values.minutes) * 60_000 : Number.POSITIVE_INFINITY;
const most = values.seeds ? Number(values.seeds) : values.minutes ? Number.POSITIVE_INFINITY : 20;
const totals = { seeds: 0, files: 0, records: 0, answers: 0, passed: 0, failed: 0 };
const kinds: Record<string, number> = {};
const faults: Record<string, number> = {};
const failedSeeds: number[] = [];

function nextSeed(): number | null {
    if (values.seed) return totals.seeds < Math.max(1, Number(values.seeds ?? 1)) ? Number(values.seed) : null;
    return totals.seeds < most && Date.now() < until ? drawSeed() % 1_000_000_000 : null;
}

function note(report: RunReport): void {
    totals[report.violations.length === 0 ? "passed" : "failed"] += 1;
    totals.files += report.files;
    totals.records += report.records;
    totals.answers += report.comparedAnswers;
    kinds[report.kind] = (kinds[report.kind] ?? 0) + 1;
    for (const [kind, count] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    if (report.violations.length === 0) return;
    failedSeeds.push(report.seed);
    console.log(
        `\nseed ${report.seed} (${report.kind}) failed; replay it with ${values.streams ? "--streams " : ""}${values.bucket ? "--bucket " : ""}--seed ${report.seed}. ${report.details}`,
    );
    for (const violation of report.violations.slice(0, 10)) console.log(`  ${violation}`);
    if (report.violations.length > 10) console.log(`  and ${report.violations.length - 10} more`);
}

/** A server each, so that what strikes one run spares the others. */
async function runSeeds(): Promise<void> {
    const server = await openOwnServer();
    try {
        for (let seed = nextSeed(); seed !== null; seed = nextSeed()) {
            totals.seeds += 1;
            const options = {
                isLong: !values.short,
                ...ingestFaults,
                ...(buckets && { kinds: [...faultKinds, ...bucketFaults] }),
                ...(values.streams && { makers: makeAllFiles }),
            };
            const beside = values.streams ? streamsBeside : null;
            note(await runSchedule(server, makeSchedule(seed, options), beside, buckets?.open));
        }
    } finally {
        await server.close();
    }
}

const buckets = values.bucket ? await openBucketInboxes() : null;
await Promise.all(Array.from({ length: values.seed ? 1 : Math.min(2, availableParallelism()) }, runSeeds));
await buckets?.close();
const list = (counts: Record<string, number>) =>
    Object.entries(counts)
        .sort()
        .map(([name, count]) => `${count} ${name}`)
        .join(", ");
console.log(`seeds    ${totals.seeds}: ${list(kinds)}`);
console.log(`faults   ${Object.values(faults).reduce((sum, count) => sum + count, 0)}: ${list(faults)}`);
console.log(`files    ${totals.files}`);
console.log(`records  ${totals.records} read by merges`);
console.log(`answers  ${totals.answers} of the API held against the tables`);
console.log(`workers  took at most ${Math.round(peak.memoryKiB / 1024)} MiB and ${peak.descriptors} descriptors each`);
if (failedSeeds.length > 0) console.log(`failed   seeds ${failedSeeds.join(", ")}`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed > 0 ? 1 : 0);
