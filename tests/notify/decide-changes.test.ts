/** Which changes of a stream's state are told, and when: on a clock of the test's own. */
import { describe, expect, test } from "bun:test";
import { decideChange, hourMs, rulesFor, type StreamMemory } from "../../src/operations/notify/decide-changes.ts";
import { seeStream, type ToldState } from "../../src/operations/notify/told-state.ts";
import type { LiveWorker, StreamStatus } from "../../src/operations/status/status-schema.ts";

const start = Date.parse("2026-01-31T07:00:00Z");
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const rules = rulesFor(30_000);

/** Looks at a stream at these seconds, and returns what was told. */
function look(
    seen: [seconds: number, state: ToldState | null, isPending?: boolean][],
    from: StreamMemory | null = null,
) {
    let memory = from;
    const told: [seconds: number, kind: string, from: string, to: string, sinceSeconds: number][] = [];
    for (const [seconds, state, isPending = false] of seen) {
        const decided = decideChange(
            memory,
            { stream: "orders", state, isPending, isWatched: true },
            at(seconds),
            rules,
        );
        memory = decided.memory;
        const { change } = decided;
        if (change === null) continue;
        told.push([seconds, change.kind, change.from, change.to, (Date.parse(change.since) - start) / 1000]);
    }
    return told;
}

test("a problem is told once it has lasted, with the time when it began", () => {
    expect(
        look([
            [0, "ok"],
            [5, "failing"],
            [34, "failing"],
            [35, "failing"],
            [40, "failing"],
        ]),
    ).toEqual([[35, "problem", "ok", "failing", 5]]);
});

test("a stream that has a problem when it is first looked at is told of like any other", () => {
    expect(
        look([
            [0, "blocked"],
            [29, "blocked"],
            [30, "blocked"],
        ]),
    ).toEqual([[30, "problem", "ok", "blocked", 0]]);
});

test("a problem that passes soon is not told, and leaves nothing behind", () => {
    expect(
        look([
            [0, "stuck"],
            [29, "stuck"],
            [30, "ok"],
            [31, "stuck"],
            [60, "stuck"],
        ]),
    ).toEqual([]);
});

test("trouble that changes its form all the time is told as what it is when it has lasted", () => {
    expect(
        look([
            [0, "failing"],
            [20, "behind"],
            [29, "failing"],
            [30, "behind"],
        ]),
    ).toEqual([[30, "problem", "ok", "behind", 0]]);
});

test("a problem that becomes another is told once that has lasted", () => {
    expect(
        look([
            [0, "failing"],
            [30, "failing"],
            [40, "stuck"],
            [69, "stuck"],
            [70, "stuck"],
        ]),
    ).toEqual([
        [30, "problem", "ok", "failing", 0],
        [70, "problem", "failing", "stuck", 40],
    ]);
});

test("a recovery is told once, after ten times as long", () => {
    expect(
        look([
            [0, "failing"],
            [30, "failing"],
            [100, "ok"],
            [399, "ok"],
            [400, "ok"],
            [9000, "ok"],
        ]),
    ).toEqual([
        [30, "problem", "ok", "failing", 0],
        [400, "recovered", "failing", "ok", 100],
    ]);
});

test("a stream that flaps is one problem: told once, and its end once", () => {
    const flapping = Array.from({ length: 48 }, (_, index): [number, ToldState] => [
        60 * index,
        index % 2 === 0 ? "behind" : "ok",
    ]);
    expect(
        look([
            ...flapping.slice(0, 40),
            [40 * 60, "behind"],
            [41 * 60, "behind"],
            [3000, "ok"],
            [3299, "ok"],
            [3300, "ok"],
        ]),
    ).toEqual([
        [41 * 60, "problem", "ok", "behind", 40 * 60],
        [3300, "recovered", "behind", "ok", 3000],
    ]);
});

test("once told, what flaps is not told again until it is over", () => {
    const flapping = Array.from({ length: 50 }, (_, index): [number, ToldState] => [
        30 + 60 * index,
        index % 2 === 0 ? "ok" : "behind",
    ]);
    expect(look([[0, "behind"], [29, "behind"], [30, "behind"], ...flapping.slice(1)])).toEqual([
        [30, "problem", "ok", "behind", 0],
    ]);
});

test("a problem that lasts is told again at most once an hour", () => {
    const hour = hourMs / 1000;
    const seen = Array.from({ length: (3 * hour) / 5 }, (_, index): [number, ToldState] => [index * 5, "stuck"]);
    expect(look(seen)).toEqual([
        [30, "problem", "ok", "stuck", 0],
        [30 + hour, "problem_lasts", "stuck", "stuck", 0],
        [30 + 2 * hour, "problem_lasts", "stuck", "stuck", 0],
    ]);
});

test("it is not told again while the last message has not been delivered", () => {
    expect(
        look([
            [0, "stuck"],
            [30, "stuck"],
            [4000, "stuck", true],
            [4005, "stuck", false],
        ]),
    ).toEqual([
        [30, "problem", "ok", "stuck", 0],
        [4005, "problem_lasts", "stuck", "stuck", 0],
    ]);
});

test("a state that says nothing leaves standing what was told, and is not told again", () => {
    expect(
        look([
            [0, "failing"],
            [30, "failing"],
            [60, null],
            [9000, null],
            [9001, "ok"],
            [9301, "ok"],
        ]),
    ).toEqual([
        [30, "problem", "ok", "failing", 0],
        [9301, "recovered", "failing", "ok", 9001],
    ]);
    expect(
        look([
            [0, null],
            [9000, null],
        ]),
    ).toEqual([]);
});

describe("what is seen of a stream", () => {
    const stream = (state: StreamStatus["state"], tone: StreamStatus["tone"]) =>
        ({ name: "orders", state, tone }) as StreamStatus;
    const worker = (kind: string) => ({ stream: "orders", report: { trigger: { kind } } }) as LiveWorker;
    const see = (
        state: StreamStatus["state"],
        tone: StreamStatus["tone"],
        was: boolean | null,
        workers: LiveWorker[] = [],
    ) => seeStream(stream(state, tone), { workers }, was);

    test.each([
        ["running", "good", "ok"],
        ["starting", "quiet", "ok"],
        ["failing", "busy", "failing"],
        ["failing", "bad", "failing"],
        ["blocked", "bad", "blocked"],
        ["behind", "busy", "behind"],
        // Somebody asked for it.
        ["paused", "busy", null],
        // Failed files of long ago.
        ["idle", "busy", null],
    ] as const)("%s, %s", (state, tone, told) => {
        expect(see(state, tone, true).state).toBe(told);
    });

    test("no ingest is a problem where one was to run for ever; cron's comes again", () => {
        expect(see("stopped", "quiet", true).state).toBe("stopped");
        expect(see("stopped", "quiet", false).state).toBeNull();
        expect(see("stopped", "bad", false).state).toBeNull();
        // Nobody knows: only if work waits.
        expect(see("stopped", "busy", null).state).toBeNull();
        expect(see("stopped", "bad", null).state).toBe("stopped");
    });

    test("of workers it is known which they are; of other streams' they are not asked", () => {
        expect(see("running", "good", null, [worker("interval")]).isWatched).toBe(true);
        expect(see("running", "good", true, [worker("available-now")]).isWatched).toBe(false);
        expect(see("stopped", "busy", true, []).isWatched).toBe(true);
        expect(see("stopped", "busy", null, [{ ...worker("interval"), stream: "returns" }]).isWatched).toBeNull();
    });
});
