import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { sanitize } from "../../src/terminal/sanitize.ts";

describe("shows what a terminal would act on", () => {
    test.each([
        ["escape sequences", "a\u001b[31mred", "a\\x1b[31mred"],
        ["C1 controls, which some terminals take for ESC [", "a\u009b31m", "a\\x9b31m"],
        ["line ends and tabs", "a\r\nb\tc", "a\\x0d\\x0ab\\x09c"],
        ["NUL and DEL", "a\u0000b\u007f", "a\\x00b\\x7f"],
        ["overrides of the direction of text", "invoice\u202Efdp.csv", "invoice\\u{202e}fdp.csv"],
        ["isolates", "\u2066a\u2069", "\\u{2066}a\\u{2069}"],
        ["what has no width", "ad\u200bmin\ufeff", "ad\\u{200b}min\\u{feff}"],
        ["spaces that are none", "a\u00a0b\u202fc\u3000d\u2003", "a\\xa0b\\u{202f}c\\u{3000}d\\u{2003}"],
        ["what is blank", "\u3164\u2800a\u034f\uffa0", "\\u{3164}\\u{2800}a\\u{34f}\\u{ffa0}"],
        ["invisible tags", "a\u{e0041}", "a\\u{e0041}"],
        ["halves of characters", "a\ud800b", "a\\u{d800}b"],
    ])("%s", (_what, text, shown) => expect(sanitize(text)).toBe(shown));
});

test("leaves every language and emoji alone", () => {
    for (const text of ["events_1.csv", "Zürich 東京 مرحبا שלום नमस्ते", "👍🏽 ∑ – “quoted”"])
        expect(sanitize(text)).toBe(text);
});

test("cuts a long text, with a sign that it was cut", () => {
    expect(sanitize("abcdef", { most: 6 })).toBe("abcdef");
    expect(sanitize("abcdefg", { most: 6 })).toBe("abcde…");
    expect(sanitize("ab👍cd", { most: 4 })).toBe("ab…");
});

test("whatever comes in, no control or bidirectional character comes out, and the length is kept to", () => {
    fc.assert(
        fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 40 }), (text, most) => {
            const shown = sanitize(text, { most });
            expect(shown).not.toMatch(/\p{Cc}|\p{Cs}|\p{Bidi_Control}/u);
            expect(shown.replaceAll(" ", "")).not.toMatch(/\p{White_Space}/u);
            expect(shown.length).toBeLessThanOrEqual(most);
        }),
    );
});
