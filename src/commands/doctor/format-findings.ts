/** Formats each finding as a line with its remedy below it. Pure. */
import { createColors } from "picocolors";
import { formatCount } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import type { Finding } from "./finding.ts";

export function formatFindings(findings: readonly Finding[], { color }: { color: boolean }): string[] {
    const colors = createColors(color);
    const paint = { ok: colors.green, note: colors.yellow, fail: colors.red, skipped: colors.dim };
    const width = Math.max(...findings.map(({ name }) => name.length));
    const lines = findings.flatMap(({ name, state, found, remedy }) => {
        const word = state === "skipped" ? "–" : state === "fail" ? "FAIL" : state;
        const head = `${paint[state](word.padEnd(4))}  ${name.padEnd(width)}  `;
        const indent = " ".repeat(4 + 2 + width + 2);
        return [`${head}${oneLine(found)}`, ...(remedy === null ? [] : [`${indent}fix: ${oneLine(remedy)}`])];
    });
    return [...lines, "", describeWhole(findings)];
}

function oneLine(text: string): string {
    return sanitize(text.replaceAll("\n", " "));
}

function describeWhole(findings: readonly Finding[]): string {
    const failed = findings.filter(({ state }) => state === "fail").length;
    const notes = findings.filter(({ state }) => state === "note").length;
    if (failed > 0) return `${formatCount(failed, "problem")} found.`;
    return notes > 0 ? `Nothing is broken; ${formatCount(notes, "note")}.` : "Nothing is broken.";
}
