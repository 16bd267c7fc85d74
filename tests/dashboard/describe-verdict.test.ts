import { expect, test } from "bun:test";
import type { Status } from "../../src/operations/status/status-schema.ts";
import { describeVerdict, meanRate, triggerMs } from "../../src/server/page/now/describe-verdict.ts";

const status = (fields: Partial<Status>) =>
    ({
        state: "running",
        tone: "good",
        verdict: "Keeping up. Arriving 12 records/s.",
        files: {},
        workers: [],
        ...fields,
    }) as Status;
const worker = (report: unknown) => ({
    workerId: "",
    host: "",
    pid: 1,
    inputDir: "data/in\u202eput",
    startedAt: "",
    leaseUntil: "",
    report,
});
const live = (fields: Partial<Status>) => describeVerdict({ link: "live", problem: null, status: status(fields) });

test("takes the API's verdict apart: its first sentence is the headline", () => {
    expect(live({})).toEqual({
        state: "Running",
        tone: "good",
        headline: "Keeping up.",
        detail: "Arriving 12 records/s.",
    });
    expect(live({ verdict: "Starting." })).toMatchObject({ headline: "Starting.", detail: "" });
    expect(live({ verdict: "1 file failed. a.csv: no. Mend it.", state: "failing", tone: "bad" })).toMatchObject({
        tone: "bad",
        headline: "1 file failed.",
        detail: "a.csv: no. Mend it.",
    });
});

test("is as grave as the API says, whatever the state is called", () => {
    expect(live({ tone: "busy" })).toMatchObject({ state: "Running", tone: "busy" });
    expect(live({ state: "dreaming" as "idle", tone: "quiet" })).toMatchObject({ state: "Dreaming", tone: "quiet" });
});

test("says how to begin while there is nothing, with the folder as text", () => {
    const { detail } = live({ state: "empty", verdict: "Waiting for the first file.", workers: [worker(null)] });
    expect(detail).toBe("Drop a CSV into data/in\\u{202e}put, or run `bun run generate`.");
});

test("without a way to the numbers it says what is wrong with the way", () => {
    const of = (link: "lost" | "database_away" | "sign_in" | "connecting", code = "database_unavailable") =>
        describeVerdict({ link, problem: { code, title: "", detail: "It is asked again." }, status: status({}) });
    expect(of("lost")).toMatchObject({ tone: "bad", headline: "The API does not answer." });
    expect(of("database_away")).toMatchObject({ tone: "bad", headline: "Postgres does not answer." });
    expect(of("database_away", "database_slow").headline).toBe("Postgres takes too long to answer.");
    expect(of("sign_in")).toMatchObject({ tone: "quiet", headline: "A token is needed." });
    expect(describeVerdict({ link: "connecting", problem: null, status: null }).headline).toBe("Looking…");
});

test("the trigger is the one that a worker reports, if it reports an interval", () => {
    expect(triggerMs([worker(null), worker({ trigger: { kind: "continuous" } })])).toBeNull();
    expect(triggerMs([worker({ trigger: { kind: "interval", ms: 250 } })])).toBe(250);
});

test("there is no rate before the first commit", () => {
    expect(meanRate(null, "read", 30)).toBeNull();
});
