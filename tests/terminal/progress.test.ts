import { describe, expect, test } from "bun:test";
import {
    createProgress,
    formatBar,
    formatPlain,
    type ProgressOptions,
    type ProgressState,
} from "../../src/terminal/progress.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { waitUntil } from "../support/wait-until.ts";

const half = { done: 1200, total: 2400, isEstimate: true, unit: "records" };

describe("the bar", () => {
    test("has share, amount, rate and what is left, and fills by the share", () => {
        const bar = formatBar("ingest", half, 400, 100);

        expect(bar).toMatch(/^ingest {2}█{15}░{15} {3}50 % {2}1,200 of about 2,400 records {2}400\/s {2}3 s left$/);
    });

    test("fits on the line, whatever its width, and leaves the last column empty", () => {
        for (const columns of [20, 40, 60, 80, 200]) {
            expect(formatBar("ingest", half, 400, columns).length).toBeLessThan(columns);
        }
    });

    test("without a known end says no more than is known", () => {
        expect(formatBar("pour", { done: 7, total: null, unit: "files" }, 2.5, 80)).toBe("pour  7 files  2.5/s");
        expect(formatBar("ingest", { done: 0, total: 0, unit: "records" }, null, 80)).toBe("ingest  0 of 0 records");
    });
});

test.each<[string, ProgressState, number | null]>([
    ["1,200 of about 2,400 records, 50 %, 400/s, 3 s left", half, 400],
    ["0 of 10 records, 0 %", { done: 0, total: 10, unit: "records" }, null],
    ["12 of 12 records, 100 %, 1.0/s", { done: 12, total: 10, unit: "records" }, 1],
])("off a terminal the line is in words: %s", (words, state, rate) => {
    expect(formatPlain("ingest", state, rate)).toBe(`ingest: ${words}`);
});

function collect(options: Partial<ProgressOptions>) {
    const written = { stdout: "", stderr: "" };
    const into = (name: keyof typeof written) => ({
        columns: 80,
        write(text: string) {
            written[name] += text;
        },
    });
    const progress = createProgress({
        label: "pour",
        isDrawable: false,
        stdout: into("stdout"),
        stderr: into("stderr"),
        everyMs: 1,
        ...options,
    });
    return { progress, written };
}

test("off a terminal it writes lines on stderr alone, and nothing in them moves a cursor", async () => {
    const { progress, written } = collect({});
    progress.update({ done: 1, total: 4, unit: "cups" });
    await waitUntil("a line came", () => written.stderr.includes("\n"));
    progress.print("a result");
    progress.end();

    expect(written.stdout).toBe("a result\n");
    expect(written.stderr).toMatch(/^(pour: 1 of 4 cups, 25 %[^\u001b\r]*\n)+$/);
});

test("the rate is that of the last ten seconds, by the clock that it is given", async () => {
    let nowMs = 0;
    const { progress, written } = collect({ nowMs: () => nowMs });
    for (let second = 1; second <= 30; second += 1) {
        nowMs = second * 1000;
        // A hundred a second at first, ten a second for the last twenty.
        progress.update({ done: second <= 10 ? second * 100 : 1000 + (second - 10) * 10, total: null, unit: "cups" });
    }
    await waitUntil("a line came", () => written.stderr.includes("\n"));
    progress.end();

    expect(written.stderr).toContain("pour: 1,200 cups, 10/s\n");
});

test("nothing is written when nothing is known, nor after the end", async () => {
    const { progress, written } = collect({});
    await Bun.sleep(5);
    progress.end();
    progress.update({ done: 1, total: 4, unit: "cups" });
    await Bun.sleep(5);

    expect(written).toEqual({ stdout: "", stderr: "" });
});

test("on a terminal it is drawn over, gives way to lines, and is gone at the end", async () => {
    const run = runOnTerminal(`
        const { createProgress } = await import(${JSON.stringify(import.meta.resolve("../../src/terminal/progress.ts"))});
        const progress = createProgress({ label: "pour", isDrawable: process.stderr.isTTY, everyMs: 5 });
        progress.update({ done: 1, total: 4, unit: "cups" });
        await Bun.sleep(200);
        progress.print("a result");
        await Bun.sleep(200);
        progress.end();
        process.stdout.write("the end\\n");
    `);
    expect(await run.exited).toBe(0);
    await waitUntil("the output is whole", () => run.output().includes("the end"));
    const shown = showLines(run.output());

    expect(run.output()).toContain("█");
    expect(shown).toEqual(["a result", "the end"]);
});

/** The lines left on the screen: one that was cleared (CR, ESC [2K) is gone. */
function showLines(output: string): string[] {
    const lines = output.split("\r\n").map((line) => line.split("\u001b[2K").at(-1)!);
    return lines.filter((line) => line !== "");
}
