import { expect, test } from "bun:test";
import type { Status } from "../../src/operations/status/status-schema.ts";
import { triggerMsOf } from "../../src/operations/status/worker-report.ts";
import { describeVerdict } from "../../src/server/page/now/describe-verdict.ts";

const live = (fields: Partial<Status>) =>
    describeVerdict("live", null, { state: "running", tone: "good", workers: [], ...fields } as Status);

test.each([
    ["Keeping up. Arriving 12 records/s.", "Keeping up.", "Arriving 12 records/s."],
    ["Starting.", "Starting.", ""],
    ["1 file failed. a.csv: no. Fix it.", "1 file failed.", "a.csv: no. Fix it."],
])("the first sentence of %p is the headline", (verdict, headline, detail) => {
    expect(live({ verdict })).toEqual({ state: "Running", tone: "good", headline, detail });
});

test("is as grave as the API says, whatever the state is called", () => {
    const verdict = "Hm.";
    expect(live({ verdict, tone: "busy" })).toMatchObject({ state: "Running", tone: "busy" });
    expect(live({ verdict, state: "dreaming" as "idle", tone: "quiet" })).toMatchObject({
        state: "Dreaming",
        tone: "quiet",
    });
});

test("says how to begin while there is nothing, with the folder as text", () => {
    const workers = [{ inputDir: "data/in\u202eput" }] as Status["workers"];
    expect(live({ state: "empty", verdict: "Waiting for the first file.", workers })).toMatchObject({
        state: "Waiting",
        detail: "Drop a CSV into data/in\\u{202e}put, or run the command `generate`.",
    });
});

test.each([
    ["lost", "", "bad", "The API does not answer."],
    ["database_away", "database_unavailable", "bad", "Postgres does not answer."],
    ["database_away", "database_slow", "bad", "Postgres takes too long to answer."],
    ["sign_in", "", "quiet", "A token is required."],
    ["connecting", "", "quiet", "Looking…"],
] as const)("while the link is %s (%s), it says so", (link, code, tone, headline) => {
    expect(describeVerdict(link, { code, title: "", detail: "" }, null)).toMatchObject({ tone, headline });
});

test("the trigger is the pause of an interval; no other kind has one", () => {
    expect(triggerMsOf([{ report: null }, { report: { trigger: { kind: "continuous", ms: 500 } } }])).toBe(0);
    expect(triggerMsOf([{ report: { trigger: { kind: "interval", ms: 250 } } }])).toBe(250);
});
