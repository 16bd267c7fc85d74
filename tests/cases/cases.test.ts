/** Given these files, expect these events, rejects and counts: each case through the real pipeline, on a clean database. */
import { describe, expect, test } from "bun:test";
import { type CheckResult, runChecks } from "../../src/operations/run-checks.ts";
import { readConfigFile } from "../../src/config/read-config-file.ts";
import { useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { useBucket } from "../support/use-bucket.ts";
import { isOverBucket } from "../support/use-inbox.ts";
import { type IngestSummary, ingestFolder } from "../support/ingest-folder.ts";
import {
    type Case,
    type Counts,
    deliverStep,
    type ExpectedEvent,
    type ExpectedReject,
    readCases,
} from "./read-case.ts";
import { type Outcome, readOutcome } from "./read-outcome.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { sample } from "../support/sample.ts";

const countNames = ["read", "inserted", "duplicate", "conflict", "rejected"] as const;

const database = useEmptyDatabase(import.meta.path);
const inputDir = useFolder();
/** The same files, and the same outcome, from a bucket. */
const bucket = isOverBucket ? useBucket() : null;

describe.each(sample(readCases(import.meta.dir), 80).map((testCase) => [testCase.name, testCase] as const))("%s", (_name, testCase: Case) => {
    test(testCase.about, async () => {
        const summaries: IngestSummary[] = [];
        const sources = testCase.configFile ? await readConfigFile(testCase.configFile, eventsStream) : [];
        for (const step of testCase.steps) {
            await deliverStep(step, inputDir);
            await bucket?.mirror(inputDir);
            summaries.push(await ingestFolder(database.target, bucket?.url ?? inputDir, { ...testCase.overrides, sources }));
        }
        const outcome = await readOutcome(database.sql);

        expect(comparable(outcome, testCase)).toEqual(expected(testCase));
        expect(addCounts(summaries)).toEqual(testCase.counts);
        expect(await failingChecks()).toEqual([]);
    });
});

/** The outcome without what the case says nothing about. */
function comparable(outcome: Outcome, { rejects }: Case): Outcome {
    return {
        ...outcome,
        rejects: outcome.rejects.map((reject, index) => onlyWhatIsExpected(reject, rejects[index])),
    };
}

function onlyWhatIsExpected(reject: ExpectedReject, expectedReject: ExpectedReject | undefined): ExpectedReject {
    const { file, record_no, kind, reasons } = reject;
    const judged: ExpectedReject = { file, record_no, kind, reasons };
    if (expectedReject === undefined) return judged;
    for (const field of ["raw_text", "line_no", "byte_offset"] as const) {
        if (field in expectedReject) Object.assign(judged, { [field]: reject[field] });
    }
    if (expectedReject.record !== undefined) {
        const columns = Object.keys(expectedReject.record);
        judged.record = Object.fromEntries(columns.map((column) => [column, reject.record?.[column] ?? null]));
    }
    return judged;
}

function expected({ files, events, rejects, counts }: Case): Outcome {
    return {
        files: files.map((file) => ({ problem: null, ...file })),
        events: events.map(withMicroseconds).sort((a, b) => (a.event_id < b.event_id ? -1 : 1)),
        rejects,
        counts,
    };
}

/** "…:05Z" and "…:05.5Z" as the database spells them. */
function withMicroseconds(event: ExpectedEvent): ExpectedEvent {
    const [seconds, decimals = ""] = event.event_timestamp.replace("Z", "").split(".");
    return { ...event, event_timestamp: `${seconds}.${decimals.padEnd(6, "0")}Z` };
}

function addCounts(summaries: IngestSummary[]): Counts {
    const total: Counts = { read: 0, inserted: 0, duplicate: 0, conflict: 0, rejected: 0 };
    for (const { records } of summaries) {
        for (const name of countNames) total[name] += records[name];
    }
    return total;
}

async function failingChecks(): Promise<CheckResult[]> {
    return (await runChecks(database.sql)).filter((check) => !check.passed);
}
