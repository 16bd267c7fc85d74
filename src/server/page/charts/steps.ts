/** Makes a chart's values from /v1/flow. A step of which nothing is known is null, never 0. Pure. */
import type { Flow, FlowStep } from "../../api/flow/read-flow.ts";

export type Values = (number | null)[];

/** The steps to draw. Nothing is known of those before the first commit; the last one is left out when it is too young. */
function knownSteps(flow: Flow | null): { step: FlowStep; isKnown: boolean }[] {
    if (!flow) return [];
    const { steps, since, stepSeconds } = flow;
    const sinceMs = since === null ? Number.POSITIVE_INFINITY : Date.parse(since);
    return steps
        .filter((step, index) => index < steps.length - 1 || step.seconds >= stepSeconds / 4)
        .map((step) => ({ step, isKnown: Date.parse(step.from) + stepSeconds * 1000 > sinceMs }));
}

/** The middle of each step, in seconds. */
export function stepTimes(flow: Flow): number[] {
    return knownSteps(flow).map(({ step }) => Date.parse(step.from) / 1000 + flow.stepSeconds / 2);
}

/** Its window in seconds since 1970. */
export function spanOf({ asOf, steps, stepSeconds }: Flow): { from: number; to: number } {
    const to = Date.parse(asOf) / 1000;
    return { from: to - steps.length * stepSeconds, to };
}

export function rates(flow: Flow | null, field: "arrived" | "read" | "inserted"): Values {
    return knownSteps(flow).map(({ step, isKnown }) =>
        isKnown && step.seconds > 0 ? step[field] / step.seconds : null,
    );
}

export function shares(flow: Flow | null, part: (step: FlowStep) => number): Values {
    return knownSteps(flow).map(({ step, isKnown }) => (isKnown && step.read > 0 ? part(step) / step.read : null));
}

export function measures(flow: Flow | null, field: "longestBatchMs" | "lagP95Ms"): Values {
    return knownSteps(flow).map(({ step }) => step[field]);
}

/** Records read per second over the last whole steps; null before there is one. */
export function meanRate(flow: Flow | null, seconds: number): number | null {
    if (!flow || flow.since === null) return null;
    const whole = flow.steps.filter((step) => step.seconds >= flow.stepSeconds);
    const last = whole.slice(-Math.max(1, Math.round(seconds / flow.stepSeconds)));
    if (last.length === 0) return null;
    return last.reduce((sum, step) => sum + step.read, 0) / (last.length * flow.stepSeconds);
}

/** Counted backwards from the records that are staged now: arrivals of a step were not there before it, merged ones were. */
export function backlogRecords(flow: Flow | null): Values {
    const known = knownSteps(flow);
    const values: Values = new Array(known.length).fill(null);
    const last = flow?.steps.at(-1);
    // Of a range that is over, nobody knows how many wait.
    if (flow === null || flow.stagedRecords === null) return values;
    let waiting = flow.stagedRecords;
    if (last && known.at(-1)?.step !== last) waiting += last.read - last.arrived;
    for (let index = known.length - 1; index >= 0; index--) {
        const { step, isKnown } = known[index]!;
        values[index] = isKnown ? Math.max(0, waiting) : null;
        waiting += step.read - step.arrived;
    }
    return values;
}

/** The colour of the n-th of several things that are side by side. */
export function hue(index: number): string {
    return `--hue-${(index % 6) + 1}`;
}

/** Phases in the order in which a merge runs, and what each does. `total` is their sum, not one of them. */
export const phaseMeanings: Record<string, string> = {
    choose: "locks the slices and picks staged chunks",
    count: "counts the staged records again",
    insert: "checks every rule and inserts what is valid",
    settle: "compares what was not inserted with the table: duplicate or conflict",
    reject: "writes rejects, with every reason",
    complete: "updates rollups, totals and the state of the files",
};
const phaseOrder = Object.keys(phaseMeanings);

/** The same phase has the same colour everywhere; an unknown one the last. */
export function phaseHue(phase: string): string {
    return phaseOrder.includes(phase) ? hue(phaseOrder.indexOf(phase)) : "--second";
}

/** Unknown ones last. */
export function sortPhases(durations: readonly (Record<string, number> | null)[]): string[] {
    const names = new Set(durations.flatMap((durationMs) => Object.keys(durationMs ?? {})));
    names.delete("total");
    const place = (name: string) => (phaseOrder.includes(name) ? phaseOrder.indexOf(name) : phaseOrder.length);
    return [...names].sort((left, right) => place(left) - place(right) || left.localeCompare(right));
}

export function phaseMeans(flow: Flow): { name: string; values: Values }[] {
    const known = knownSteps(flow);
    const names = sortPhases(known.map(({ step }) => step.meanDurationMs));
    return names.map((name) => ({ name, values: known.map(({ step }) => step.meanDurationMs?.[name] ?? null) }));
}

/** Each series on top of those before it; null where one of them is. */
export function stack(series: readonly Values[]): Values[] {
    const below: Values = [];
    return series.map((values) =>
        values.map((value, index) => {
            const base = below[index] === undefined ? 0 : below[index]!;
            below[index] = value === null || base === null ? null : base + value;
            return below[index]!;
        }),
    );
}
