/** A process ends by its own decision, in words for people, and never by an error that nobody had thought of. */
import { expect } from "bun:test";

/** Stack traces, errors of the language, promises that nobody held, panics: as the commands' own frame and as Bun print them. */
const collapses = [
    /^Unexpected error/m,
    /code: {2}unexpected|"code":"unexpected"/,
    /unhandled/i,
    /uncaught/i,
    /\b(Type|Reference|Range|Syntax)Error\b/,
    /^\s+at .+:\d+(:\d+)?\)?$/m,
    /^panic/m,
    /\bBun v\d/,
];

export const signsOfCollapse = (stderr: string) => collapses.filter((sign) => sign.test(stderr)).map(String);

/** In words, or as the object that --json makes of it. */
export const saysRemedy = /^ {2}fix: +\S|"fix":"\S/m;

/** 130, 137 and 143 are those of signals: docs/commands.md. */
const codes = [0, 1, 2, 3, 4, 130, 137, 143];

export function expectOrderly({ exitCode, stderr }: { exitCode: number; stderr: string }): void {
    const signs = signsOfCollapse(stderr);
    expect({ signs, stderr: signs.length > 0 ? stderr : "" }).toEqual({ signs: [], stderr: "" });
    expect(codes).toContain(exitCode);
    // A file that failed is named with its cause; everything else comes with its remedy.
    if (exitCode >= 1 && exitCode <= 4)
        expect(stderr).toMatch(/^ {2}fix: +\S|"fix":"\S|: .*(failed|set aside|cannot be staged again)/m);
}
