/** Formats the results of the checks. Pure. */
import { createColors } from "picocolors";
import type { CheckResult } from "../operations/run-checks.ts";
import { formatCount, formatDuration } from "../terminal/format.ts";
import { sanitize } from "../terminal/sanitize.ts";

const sampleLength = 300;

/** A line for a check that passes; what it asserts and the rows that break it for one that does not. */
export function formatCheckResult(result: CheckResult, { color }: { color: boolean }): string[] {
    const colors = createColors(color);
    const { name, asserts, passed, breakingRows, sampleRows, error } = result;
    if (passed) return [`${colors.green("ok  ")}  ${name}: ${firstSentence(asserts)}`];
    const head = `${colors.red("FAIL")}  ${name}: ${asserts}`;
    if (error !== null) return [head, `        could not run: ${sanitize(error, { most: sampleLength })}`];
    const rest = breakingRows - sampleRows.length;
    return [
        head,
        `        ${formatCount(breakingRows, "row")} ${breakingRows === 1 ? "breaks" : "break"} it:`,
        ...sampleRows.map((row) => `        ${sanitize(JSON.stringify(row), { most: sampleLength })}`),
        ...(rest > 0 ? [`        … and ${formatCount(rest, "more", "more")}`] : []),
    ];
}

export function formatCheckSummary(results: readonly CheckResult[]): string {
    const { passed, failed, seconds } = summarizeChecks(results);
    return `${passed} passed, ${failed} failed in ${formatDuration(seconds * 1000)}`;
}

export function summarizeChecks(results: readonly CheckResult[]): { passed: number; failed: number; seconds: number } {
    const passed = results.filter((result) => result.passed).length;
    const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
    return { passed, failed: results.length - passed, seconds };
}

function firstSentence(text: string): string {
    return /^.*?\.(?=\s|$)/.exec(text)?.[0] ?? text;
}
