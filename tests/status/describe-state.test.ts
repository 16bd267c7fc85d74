import { expect, test } from "bun:test";
import { describeState } from "../../src/status/describe-state.ts";

const noFiles = { pending: 0, loaded: 0, merged: 0, skipped: 0, failed: 0, replaced: 0 };
const noBacklog = { files: 0, unreadBytes: 0, stagedRecords: 0 };
const worker = {};

test("nothing yet", () => {
    expect(describeState({ files: noFiles, backlog: noBacklog, workers: [] })).toEqual({
        state: "empty",
        stateText: "Nothing has been ingested yet, and no ingest is running.",
    });
    expect(describeState({ files: noFiles, backlog: noBacklog, workers: [worker] })).toEqual({
        state: "empty",
        stateText: "Waiting for the first file.",
    });
});

test("all that is known is merged, with somebody at work and without", () => {
    const facts = { files: { ...noFiles, merged: 3 }, backlog: noBacklog };

    expect(describeState({ ...facts, workers: [worker] }).state).toBe("up_to_date");
    expect(describeState({ ...facts, workers: [] })).toEqual({
        state: "stopped",
        stateText: "No ingest is running. Everything seen is merged.",
    });
});

test("a backlog is being worked off, or waits for somebody", () => {
    const facts = {
        files: { ...noFiles, pending: 1 },
        backlog: { files: 1, unreadBytes: 2048, stagedRecords: 1200 },
    };

    expect(describeState({ ...facts, workers: [worker] })).toEqual({
        state: "working",
        stateText: "At work: 1 file, 2 KiB to read, 1,200 staged records to go.",
    });
    expect(describeState({ ...facts, workers: [] }).state).toBe("stopped");
});

test("failed files are said in every state", () => {
    const facts = { files: { ...noFiles, failed: 2 }, backlog: noBacklog, workers: [worker] };

    expect(describeState(facts).stateText).toEndWith(" 2 files failed.");
});
