import { expect, test } from "bun:test";
import type { Flow, FlowStep } from "../../src/server/api/flow/read-flow.ts";
import {
    backlogRecords,
    meanRate,
    phaseMeans,
    rates,
    shares,
    sortPhases,
    stack,
    stepTimes,
} from "../../src/server/page/charts/steps.ts";
import { eventsByType } from "../../src/shop/page/events-by-type.ts";
import { noRecords } from "../../src/terminal/record-counts.ts";

function step(from: number, fields: Partial<FlowStep> = {}): FlowStep {
    return {
        from: new Date(from * 1000).toISOString(),
        seconds: 5,
        arrived: 0,
        batches: 0,
        ...noRecords(),
        meanDurationMs: null,
        longestBatchMs: null,
        lagP95Ms: null,
        ...fields,
    };
}

function flowOf(steps: FlowStep[], fields: Partial<Flow> = {}): Flow {
    return {
        asOf: "",
        window: "5m",
        stepSeconds: 5,
        since: new Date(0).toISOString(),
        stagedRecords: 0,
        steps,
        ...fields,
    };
}

test("a rate is per second of what is over of the step, and in its middle", () => {
    const flow = flowOf([step(100, { read: 50 }), step(105, { read: 6, seconds: 2 })]);
    expect(rates(flow, "read")).toEqual([10, 3]);
    expect(stepTimes(flow)).toEqual([102.5, 107.5]);
});

test("the mean rate is that of the last whole steps; there is none before the first commit", () => {
    const flow = flowOf([
        step(100),
        step(105, { read: 5 }),
        step(110, { read: 15 }),
        step(115, { read: 9, seconds: 1 }),
    ]);
    expect(meanRate(flow, 10)).toBe(2);
    expect(meanRate({ ...flow, since: null }, 10)).toBeNull();
    expect(meanRate(null, 10)).toBeNull();
});

test("leaves the last step out while it has hardly begun", () => {
    expect(rates(flowOf([step(100, { read: 50 }), step(105, { read: 6, seconds: 0.2 })]), "read")).toEqual([10]);
});

test("before the first commit nothing is known, which is not zero", () => {
    const flow = flowOf([step(100), step(105, { read: 5 }), step(110)], { since: new Date(107_000).toISOString() });
    expect(rates(flow, "read")).toEqual([null, 1, 0]);
    expect(rates({ ...flow, since: null }, "read")).toEqual([null, null, null]);
    expect(backlogRecords(flow)[0]).toBeNull();
});

test("a share of nothing is a gap, not NaN", () => {
    const flow = flowOf([step(100), step(105, { read: 4, rejected: 1 })]);
    expect(shares(flow, ({ rejected }) => rejected)).toEqual([null, 0.25]);
});

test("the backlog goes backwards from what waits now: arrivals were not there before, merges were", () => {
    const steps = [step(100, { arrived: 100 }), step(105, { arrived: 20, read: 70 }), step(110, { read: 10 })];
    // After the steps: 100, 50, 40.
    expect(backlogRecords(flowOf(steps, { stagedRecords: 40 }))).toEqual([100, 50, 40]);
    const unfinished = [...steps, step(115, { read: 40, seconds: 0.1 })];
    expect(backlogRecords(flowOf(unfinished, { stagedRecords: 0 }))).toEqual([100, 50, 40]);
});

test("phases come in the order of the merge, without their total, and a step without batches is a gap", () => {
    const flow = flowOf([step(100), step(105, { meanDurationMs: { total: 9, insert: 5, odd: 1, choose: 3 } })]);
    expect(phaseMeans(flow)).toEqual([
        { name: "choose", values: [null, 3] },
        { name: "insert", values: [null, 5] },
        { name: "odd", values: [null, 1] },
    ]);
    expect(sortPhases([null, {}])).toEqual([]);
});

test("stacks each series on those before it, and a gap stays one for all above", () => {
    expect(
        stack([
            [1, 2, null],
            [10, null, 10],
            [100, 100, 100],
        ]),
    ).toEqual([
        [1, 2, null],
        [11, null, null],
        [111, null, null],
    ]);
});

test("events by type stand in their buckets, none in between is zero", () => {
    const sums = { quantity: 0, revenue: "0.00" };
    const points = [
        { bucket: "1970-01-01T00:01:00.000000Z", eventType: "view", events: 3, ...sums },
        { bucket: "1970-01-01T00:03:00.000000Z", eventType: "purchase", events: 1, ...sums },
    ];
    expect(eventsByType(points, ["view", "purchase"], { from: 65, to: 200 }, 60)).toEqual({
        times: [90, 150, 210],
        series: [
            { name: "view", values: [3, 0, 0] },
            { name: "purchase", values: [0, 0, 1] },
        ],
    });
});
