import { expect, test } from "bun:test";
import { readChecks } from "../../src/operations/find-checks.ts";
import { createCheckRunner } from "../../src/server/api/checks/check-runner.ts";
import { waitUntil } from "../support/wait-until.ts";
import { useApi } from "./api-fixture.ts";

let clock = Date.parse("2026-01-01T00:00:00Z");
const now = () => new Date(clock);
const api = useApi(import.meta.path, { now });

test("runs every check, says what passed, and how old that is", async () => {
    const { status, body } = await api.get("/v1/checks");
    expect(status).toBe(200);
    expect(body.run).toMatchObject({ passed: true, ageSeconds: 0 });
    expect(body.run.checks.map(({ name }: { name: string }) => name)).toEqual(readChecks().map(({ name }) => name));
});

test("says which check is broken, at the next run; until then it tells the age of the last", async () => {
    await api.sql`insert into ingest.totals values ('merge', 1, 1, 0, 1, 0, 0, 0)`;
    clock += 29_000;
    expect((await api.get("/v1/checks")).body.run).toMatchObject({ passed: true, ageSeconds: 29 });
    clock += 60_000;
    const run = await waitUntil("the next run", async () => {
        const { run } = (await api.get("/v1/checks")).body;
        return run.passed ? null : run;
    });
    expect(run.checks.filter(({ outcome }: { outcome: string }) => outcome !== "passed")).toEqual([
        expect.objectContaining({ name: "recount_totals", outcome: "broken", breakingRows: 1 }),
    ]);
    expect(JSON.stringify(run)).not.toContain("sampleRows");
});

test("never runs twice at once, and waits ten times as long as a run took", async () => {
    let runs = 0;
    let finish = () => {};
    const runner = createCheckRunner({
        now,
        pauseMs: 1000,
        run: async () => {
            runs += 1;
            await new Promise<void>((resolve) => {
                finish = resolve;
            });
            return [];
        },
    });
    const askers = Array.from({ length: 20 }, () => runner.latest(5));
    expect(new Set((await Promise.all(askers)).map(({ run, isRunning }) => [run, isRunning].join()))).toEqual(
        new Set([",true"]),
    );
    expect(runs).toBe(1);
    await Bun.sleep(200);
    finish();
    await Bun.sleep(1);
    expect((await runner.latest(5)).isRunning).toBe(false);
    clock += 1500;
    expect((await runner.latest(5)).isRunning).toBe(false);
    clock += 60_000;
    expect((await runner.latest(5)).isRunning).toBe(true);
    expect(runs).toBe(2);
    finish();
});

test("a run that fails is told to who waits for it, and is tried again", async () => {
    let fails = true;
    const run = async () => {
        if (fails) throw new Error("away");
        return [];
    };
    const runner = createCheckRunner({ now, run });
    await expect(runner.latest(1000)).rejects.toThrow("away");
    fails = false;
    expect((await runner.latest(1000)).run).toMatchObject({ results: [] });
});
