import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as parsers from "../../src/config/parse-values.ts";
import { parseRejectBudget } from "../../src/streams/reject-budget.ts";

const { longestDurationMs, parseConnectionString, parseDuration, parseWholeNumber } = parsers;
const inBytes = (text: string) => parsers.parseBytes(text, { least: 1024, most: 1024 ** 3 });
const upTo16 = (text: string) => parseWholeNumber(text, { least: 1, most: 16 });
const fromOneMs = (text: string) => parseDuration(text, { leastMs: 1 });

const count = (most: number) => ({ kind: "count", most });
const ratio = (most: number) => ({ kind: "ratio", most });

interface Kind {
    parse(text: string): parsers.Parsed<unknown>;
    takes?: [text: string, value: unknown][];
    /** By the problem that they have. */
    refuses?: Record<string, string[]>;
}

const longest = `${longestDurationMs}ms`;
const tooLong = [`${longestDurationMs + 1}ms`, `${"9".repeat(400)}h`];
const noDurations = [
    ...["", " ", "s", "1 s", "-1s", "1d", "1S", "1.s", ".5s"],
    ...["1e3ms", "0x10ms", "1s\n", "١s", "Infinity", "1_000ms"],
];

const kinds: Record<string, Kind> = {
    "an age": {
        parse: parsers.parseAge,
        takes: [
            ["1h", 3_600_000],
            ["90d", 90 * 86_400_000],
            ["1.5d", 129_600_000],
            ["12w", 84 * 86_400_000],
            ["36525d", 36_525 * 86_400_000],
        ],
        refuses: {
            "is not an age.": ["", "90", "90 d", "-1d", "30m", "3600s", "90D", "1y", "d"],
            "is less than an hour.": ["0.9h"],
            "is more than a hundred years.": ["36526d"],
        },
    },
    "a duration": {
        parse: parseDuration,
        takes: [
            ["250ms", 250],
            ["1s", 1000],
            ["1.5s", 1500],
            ["2m", 120_000],
            ["1h", 3_600_000],
            ["0.5h", 1_800_000],
            ["0", 0],
            ["0s", 0],
            [longest, longestDurationMs],
        ],
        refuses: {
            "is not a duration.": noDurations,
            "is a number without a unit.": ["5"],
            "is longer than 24 days.": tooLong,
        },
    },
    "a duration from 1 ms": { parse: fromOneMs, refuses: { "is shorter than 1ms.": ["0.4ms"] } },
    "a reject budget": {
        parse: parseRejectBudget,
        takes: [
            ["0", count(0)],
            ["1", count(1)],
            ["100", count(100)],
            ["0.0", ratio(0)],
            [".5", ratio(0.5)],
            ["1.0", ratio(1)],
            ["5%", ratio(0.05)],
            ["0.1%", ratio(0.001)],
            ["100%", ratio(1)],
        ],
        refuses: {
            "is no reject budget.": ["", "%", ".", "-1", "1e3", "5 %", "many"],
            "is more than all records.": ["1.5", "101%"],
        },
    },
    "a trigger": {
        parse: parsers.parseTrigger,
        takes: [
            ["1.5s", { kind: "interval", ms: 1500 }],
            ["continuous", { kind: "continuous" }],
            ["available-now", { kind: "available-now" }],
        ],
        refuses: {
            "is not a trigger.": ["availableNow", "once", "", "Continuous", "1 minute"],
            "is shorter than 1ms.": ["0s"],
        },
    },
    "a size": {
        parse: inBytes,
        takes: [
            ["1024", 1024],
            ["1024B", 1024],
            ["64KiB", 65_536],
            ["64kib", 65_536],
            ["16MB", 16_000_000],
            ["16MiB", 16_777_216],
            ["1.5KiB", 1536],
            ["1.001MB", 1_001_000],
            ["1GiB", 1024 ** 3],
        ],
        refuses: {
            "is not a size.": ["", "16M", "16k", "-1KiB", "1 MiB", "1e6", "0x400", "MiB", "1TiB"],
            "is out of bounds.": ["1023", String(1024 ** 3 + 1), "9".repeat(400)],
        },
    },
    "a whole number": {
        parse: upTo16,
        takes: [
            ["1", 1],
            ["16", 16],
        ],
        refuses: {
            "is not a whole number.": ["", "1.0", "-1", "+1", "0x1", "1e1", " 1", "four"],
            "is out of bounds.": ["0", "17"],
        },
    },
    "a host": {
        parse: parsers.parseHost,
        takes: ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1", "localhost", "db.internal"].map((text) => [text, text]),
        refuses: { "is not a host.": ["", "http://localhost", "localhost:4040", "a b", "[::1]", "a/b"] },
    },
    "names of a host": {
        parse: parsers.parseHostNames,
        takes: [
            ["sluice", ["sluice"]],
            ["sluice, stats.example.org", ["sluice", "stats.example.org"]],
        ],
        refuses: { "is not a list of host names.": ["", "a,", "a:4040", "https://a", "*", ".a", "a b"] },
    },
    "a path": {
        parse: parsers.parsePath,
        takes: [["a folder", "a folder"]],
        refuses: { "is not a path.": ["", "a\0b"] },
    },
};

describe.each(Object.entries(kinds))("%s", (_, { parse, takes = [], refuses = {} }) => {
    if (takes.length > 0) test.each(takes)("%j", (text, value) => expect(parse(text)).toEqual({ value }));

    const wrong = Object.entries(refuses).flatMap(([problem, texts]) => texts.map((text) => [text, problem] as const));
    test.each(wrong)("%j should fail: it %s", (text, problem) => {
        expect(parse(text)).toEqual({ problem, remedy: expect.stringMatching(/[.?]$/) });
    });
});

test("a remedy names the forms, the bounds, or what may be meant", () => {
    const remedies = [parseDuration("5"), parsers.parseTrigger("once"), inBytes("1")].map((parsed) => {
        return "remedy" in parsed && parsed.remedy;
    });

    expect(remedies).toEqual([
        expect.stringContaining("Did you mean 5s?"),
        expect.stringMatching(/1s.*continuous.*available-now/),
        "Give it 1024 to 1073741824 bytes.",
    ]);
});

test("any amount in any unit is its number of milliseconds, or out of bounds", () => {
    const units = fc.constantFrom<[string, number]>(["ms", 1], ["s", 1000], ["m", 60_000], ["h", 3_600_000]);
    fc.assert(
        fc.property(fc.nat(), fc.nat({ max: 999 }), units, (whole, thousandths, [unit, unitMs]) => {
            const exactMs = (whole * 1000 + thousandths) * unitMs;
            const parsed = parseDuration(`${whole}.${String(thousandths).padStart(3, "0")}${unit}`);
            if ("value" in parsed) expect(Math.abs(parsed.value * 1000 - exactMs)).toBeLessThanOrEqual(501);
            else expect(exactMs / 1000).toBeGreaterThan(longestDurationMs - 1);
        }),
    );
});

test("every whole number is taken within the bounds and refused outside", () => {
    fc.assert(
        fc.property(fc.bigInt({ min: 0n }), (number) => {
            expect("value" in upTo16(String(number))).toBe(number >= 1n && number <= 16n);
        }),
    );
});

test("a connection string is kept as it is; a fault never holds it", () => {
    const url = "postgres://me:p%40ss@db.internal:5433/shop?sslmode=verify-full";
    expect(parseConnectionString(url)).toEqual({ value: url });
    for (const bad of ["host=db password=hunter2", "mysql://me:hunter2@db/x", "postgres://me:hunter2@db:port/x"]) {
        const fault = parseConnectionString(bad) as { problem: string; remedy: string };
        expect(fault.problem).toMatch(/^is invalid: /);
        expect(JSON.stringify(fault)).not.toContain("hunter2");
    }
});
