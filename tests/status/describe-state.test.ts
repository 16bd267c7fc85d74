import { describe, expect, test } from "bun:test";
import { describeState, type FailingFile, type StateFacts } from "../../src/operations/status/describe-state.ts";

const noFiles = { pending: 0, loaded: 0, merged: 0, skipped: 0, failed: 0, replaced: 0 };
const worker = {
    startedAt: "2026-01-01T00:00:00.000Z",
    inputDir: "data/input_data",
    report: { trigger: { kind: "interval", ms: 1000 } },
};
const calm: StateFacts = {
    asOf: "2026-01-01T01:00:00.000Z",
    files: { ...noFiles, merged: 3 },
    failedFiles: [],
    backlog: { files: 0, unreadBytes: 0, stagedRecords: 0, oldestUnreadAt: null, mergeableSince: null },
    workers: [worker],
    lastBatch: { finishedAt: "2026-01-01T00:59:59.500Z" },
    lastMergeAt: "2026-01-01T00:59:59.500Z",
    lastStagedAt: "2026-01-01T00:59:59.000Z",
    recentMerges: { read: 100, rejected: 3, conflict: 1 },
    standingRejects: 4,
    rejectReasons: [{ reason: "price_negative" }],
    stagingReaders: [],
    pace: { arrivalPerSecond: 1012, capacityPerSecond: 61_234, waitingRecords: 0, drainSeconds: 0 },
};
const failed: FailingFile = {
    path: "a.csv",
    problem: "header_missing_columns",
    problemDetail: "It has no column price.",
    nextAttemptAt: null,
    failedAt: "2026-01-01T00:30:00.000Z",
};

test("somebody who has just begun is starting until the first merge", () => {
    const workers = [{ ...worker, startedAt: "2026-01-01T00:59:57.000Z" }];
    expect(describeState({ ...calm, workers }).state).toBe("running");
    const lastBatch = { finishedAt: "2026-01-01T00:59:56.000Z" };
    expect(describeState({ ...calm, workers, lastBatch }).state).toBe("starting");
});

test("keeps up, with what is in hand or nothing waiting", () => {
    expect(describeState(calm)).toEqual({
        state: "running",
        tone: "good",
        verdict: "Keeping up. Arriving 1,012 records/s (last minute), capacity 61,000/s, nothing waiting.",
    });
    const backlog = { ...calm.backlog, files: 1, unreadBytes: 2048, stagedRecords: 1200 };
    const pace = { ...calm.pace, waitingRecords: 1220, drainSeconds: 0.02 };
    expect(describeState({ ...calm, backlog, pace }).verdict).toBe(
        "Keeping up. Arriving 1,012 records/s (last minute), capacity 61,000/s, 1 file, 2 KiB to read, 1,200 staged records in progress.",
    );
    expect(
        describeState({ ...calm, pace: { ...calm.pace, capacityPerSecond: null, arrivalPerSecond: 0.2 } }).verdict,
    ).toBe("Keeping up. Arriving under 1 records/s (last minute), nothing waiting.");
});

describe("behind", () => {
    const backlog = { ...calm.backlog, files: 4, unreadBytes: 1024 ** 3, stagedRecords: 0 };

    test("says how long it will take, with what arrives meanwhile", () => {
        const pace = {
            arrivalPerSecond: 10_000,
            capacityPerSecond: 60_000,
            waitingRecords: 9_000_000,
            drainSeconds: 150,
        };
        expect(describeState({ ...calm, backlog, pace })).toEqual({
            state: "behind",
            tone: "busy",
            verdict:
                "Behind: 4 files, 1 GiB to read waiting, merged in about 3m. Arriving 10,000 records/s (last minute), capacity 60,000/s. " +
                "If this persists, raise --merge-workers, or give the database a faster disk.",
        });
    });

    test("says that it grows when more arrives than can be merged", () => {
        const pace = { arrivalPerSecond: 70_000, capacityPerSecond: 60_000, waitingRecords: 100, drainSeconds: 0.002 };
        expect(describeState({ ...calm, backlog, pace }).verdict).toContain(
            "waiting, and more arrives than can be merged.",
        );
    });

    test("begins past ten seconds of work, or two triggers where these are longer", () => {
        const pace = (drainSeconds: number) => ({ ...calm.pace, waitingRecords: 1, drainSeconds });
        expect(describeState({ ...calm, backlog, pace: pace(10) }).state).toBe("running");
        expect(describeState({ ...calm, backlog, pace: pace(10.1) }).state).toBe("behind");
        const workers = [{ ...worker, report: { trigger: { kind: "interval", ms: 60_000 } } }];
        expect(describeState({ ...calm, backlog, pace: pace(119), workers }).state).toBe("running");
        expect(describeState({ ...calm, backlog, pace: pace(121), workers }).state).toBe("behind");
        expect(describeState({ ...calm, backlog, pace: { ...pace(0), drainSeconds: null } }).state).toBe("running");
    });
});

describe("failing", () => {
    const files = { ...noFiles, merged: 1, failed: 2 };

    test("names the file, the reason, the remedy and the next try", () => {
        expect(describeState({ ...calm, files, failedFiles: [failed] })).toEqual({
            state: "failing",
            tone: "busy",
            verdict:
                "2 files failed; the others continue. a.csv: header_missing_columns: It has no column price. " +
                "Add the missing columns to the header line, or map their names in sluice.config.ts (aliases). " +
                "It is retried when it changes, or when its source in sluice.config.ts changes.",
        });
        const retried = {
            ...failed,
            problem: "file_unreadable",
            problemDetail: null,
            nextAttemptAt: "2026-01-01T01:00:05Z",
        };
        expect(describeState({ ...calm, files, failedFiles: [retried] }).verdict).toEndWith(
            "a.csv: file_unreadable. Allow the account that runs the ingest to read it. It is retried in 5 s.",
        );
    });

    test("passes after an hour, unless it is tried again; the files are still mentioned", () => {
        const old = { ...failed, failedAt: "2025-12-31T23:59:59.000Z" };
        const facts = { ...calm, files, failedFiles: [old] };
        expect(describeState(facts).state).toBe("running");
        expect(describeState(facts).verdict).toEndWith(" 2 files failed: `bun run files --state failed`.");
        const retried = { ...old, nextAttemptAt: "2026-01-01T01:01:00.000Z" };
        expect(describeState({ ...facts, failedFiles: [old, retried] }).state).toBe("failing");
    });

    test("takes a hostile name for what it is", () => {
        const hostile = { ...failed, path: "fai\u001b[31mled.csv" };
        expect(describeState({ ...calm, files, failedFiles: [hostile] }).verdict).not.toContain("\u001b");
    });
});
