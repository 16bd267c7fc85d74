import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
    longestDurationMs,
    parseAge,
    parseBytes,
    parseConnectionString,
    parseDuration,
    parseHost,
    parseHostNames,
    parsePath,
    parseRejectBudget,
    parseTrigger,
    parseWholeNumber,
} from "../../src/config/parse-values.ts";

describe("ages", () => {
    test.each([
        ["1h", 3_600_000],
        ["90d", 90 * 86_400_000],
        ["1.5d", 129_600_000],
        ["12w", 84 * 86_400_000],
        ["36525d", 36_525 * 86_400_000],
    ])("%s", (text, value) => expect(parseAge(text)).toEqual({ value }));

    test.each(["", "90", "90 d", "-1d", "30m", "3600s", "90D", "1y", "d"])("%j should fail", (text) =>
        expect(parseAge(text)).toMatchObject({ problem: "is not an age." }),
    );

    test.each([
        ["0.9h", "is less than an hour."],
        ["36526d", "is more than a hundred years."],
    ])("%s should fail: out of bounds", (text, problem) => expect(parseAge(text)).toMatchObject({ problem }));
});

describe("durations", () => {
    test.each([
        ["250ms", 250],
        ["1s", 1000],
        ["1.5s", 1500],
        ["2m", 120_000],
        ["1h", 3_600_000],
        ["0.5h", 1_800_000],
        ["0", 0],
        ["0s", 0],
        [`${longestDurationMs}ms`, longestDurationMs],
    ])("%s", (text, value) => expect(parseDuration(text)).toEqual({ value }));

    test.each([
        "",
        " ",
        "s",
        "1 s",
        "-1s",
        "1d",
        "1S",
        "1.s",
        ".5s",
        "1e3ms",
        "0x10ms",
        "1s\n",
        "١s",
        "Infinity",
        "1_000ms",
    ])("%j should fail", (text) => expect(parseDuration(text)).toMatchObject({ problem: "is not a duration." }));

    test("a number without a unit is refused with the seconds that may be meant", () => {
        expect(parseDuration("5")).toMatchObject({
            problem: "is a number without a unit.",
            remedy: expect.stringContaining("Did you mean 5s?"),
        });
    });

    test("bounds: a timer's longest delay, and the least that is asked for", () => {
        expect(parseDuration(`${longestDurationMs + 1}ms`)).toMatchObject({ problem: "is longer than 24 days." });
        expect(parseDuration(`${"9".repeat(400)}h`)).toMatchObject({ problem: "is longer than 24 days." });
        expect(parseDuration("0.4ms", { leastMs: 1 })).toMatchObject({ problem: "is shorter than 1ms." });
    });

    test("any amount in any unit is its number of milliseconds, or out of bounds", () => {
        const units = fc.constantFrom(["ms", 1], ["s", 1000], ["m", 60_000], ["h", 3_600_000]) as fc.Arbitrary<
            [string, number]
        >;
        fc.assert(
            fc.property(fc.nat(), fc.nat({ max: 999 }), units, (whole, thousandths, [unit, unitMs]) => {
                const exactMs = (whole * 1000 + thousandths) * unitMs;
                const parsed = parseDuration(`${whole}.${String(thousandths).padStart(3, "0")}${unit}`);
                if ("value" in parsed) expect(Math.abs(parsed.value * 1000 - exactMs)).toBeLessThanOrEqual(501);
                else expect(exactMs / 1000).toBeGreaterThan(longestDurationMs - 1);
            }),
        );
    });
});

describe("reject budgets", () => {
    test.each([
        ["0", { kind: "count", most: 0 }],
        ["1", { kind: "count", most: 1 }],
        ["100", { kind: "count", most: 100 }],
        ["0.0", { kind: "ratio", most: 0 }],
        [".5", { kind: "ratio", most: 0.5 }],
        ["1.0", { kind: "ratio", most: 1 }],
        ["5%", { kind: "ratio", most: 0.05 }],
        ["0.1%", { kind: "ratio", most: 0.001 }],
        ["100%", { kind: "ratio", most: 1 }],
    ] as const)("%s", (text, value) => expect(parseRejectBudget(text)).toEqual({ value }));

    test.each(["", "%", ".", "-1", "1.5", "101%", "1e3", "5 %", "many"])("%j should fail", (text) => {
        expect(parseRejectBudget(text)).toMatchObject({ problem: expect.any(String), remedy: expect.any(String) });
    });
});

describe("triggers", () => {
    test("a duration, continuous, available-now", () => {
        expect(parseTrigger("1.5s")).toEqual({ value: { kind: "interval", ms: 1500 } });
        expect(parseTrigger("continuous")).toEqual({ value: { kind: "continuous" } });
        expect(parseTrigger("available-now")).toEqual({ value: { kind: "available-now" } });
    });

    test.each(["availableNow", "once", "", "Continuous", "1 minute"])(
        "%j should fail, with all that it may be",
        (text) => {
            expect(parseTrigger(text)).toMatchObject({
                problem: "is not a trigger.",
                remedy: expect.stringMatching(/1s.*continuous.*available-now/),
            });
        },
    );

    test("an interval of nothing should fail", () => {
        expect(parseTrigger("0s")).toMatchObject({ problem: "is shorter than 1ms." });
    });
});

describe("sizes", () => {
    const bounds = { least: 1024, most: 1024 ** 3 };

    test.each([
        ["1024", 1024],
        ["1024B", 1024],
        ["64KiB", 65_536],
        ["64kib", 65_536],
        ["16MB", 16_000_000],
        ["16MiB", 16_777_216],
        ["1.5KiB", 1536],
        ["1.001MB", 1_001_000],
        ["1GiB", 1024 ** 3],
    ])("%s", (text, value) => expect(parseBytes(text, bounds)).toEqual({ value }));

    test.each(["", "16M", "16k", "-1KiB", "1 MiB", "1e6", "0x400", "MiB", "1TiB"])("%j should fail", (text) => {
        expect(parseBytes(text, bounds)).toMatchObject({ problem: "is not a size." });
    });

    test("one byte past a bound should fail, and the bounds are named", () => {
        for (const text of ["1023", String(1024 ** 3 + 1), "9".repeat(400)]) {
            expect(parseBytes(text, bounds)).toEqual({
                problem: "is out of bounds.",
                remedy: "Give it 1024 to 1073741824 bytes.",
            });
        }
    });
});

describe("whole numbers", () => {
    const bounds = { least: 1, most: 16 };

    test("every whole number is taken within the bounds and refused outside", () => {
        fc.assert(
            fc.property(fc.bigInt({ min: 0n }), (number) => {
                const parsed = parseWholeNumber(String(number), bounds);
                expect("value" in parsed).toBe(number >= 1n && number <= 16n);
            }),
        );
        for (const number of [0, 1, 16, 17]) {
            expect("value" in parseWholeNumber(String(number), bounds)).toBe(number === 1 || number === 16);
        }
    });

    test.each(["", "1.0", "-1", "+1", "0x1", "1e1", " 1", "four"])("%j should fail", (text) => {
        expect(parseWholeNumber(text, bounds)).toMatchObject({ problem: "is not a whole number." });
    });
});

describe("hosts and paths", () => {
    test.each(["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1", "localhost", "db.internal"])("%s is a host", (text) => {
        expect(parseHost(text)).toEqual({ value: text });
    });

    test.each(["", "http://localhost", "localhost:4040", "a b", "[::1]", "a/b"])("%j should fail", (text) => {
        expect(parseHost(text)).toMatchObject({ problem: "is not a host." });
    });

    test.each([
        ["sluice", ["sluice"]],
        ["sluice, stats.example.org", ["sluice", "stats.example.org"]],
    ])("%s are names of a host", (text, names) => {
        expect(parseHostNames(text)).toEqual({ value: names });
    });

    test.each(["", "a,", "a:4040", "https://a", "*", ".a", "a b"])("%j should fail as names", (text) => {
        expect(parseHostNames(text)).toMatchObject({ problem: "is not a list of host names." });
    });

    test("a path is anything but nothing and NUL", () => {
        expect(parsePath("a folder")).toEqual({ value: "a folder" });
        expect(parsePath("")).toMatchObject({ problem: "is not a path." });
        expect(parsePath("a\0b")).toMatchObject({ problem: "is not a path." });
    });
});

test("a connection string is kept as it is; a fault never holds it", () => {
    const url = "postgres://me:p%40ss@db.internal:5433/shop?sslmode=verify-full";
    expect(parseConnectionString(url)).toEqual({ value: url });
    for (const bad of ["host=db password=hunter2", "mysql://me:hunter2@db/x", "postgres://me:hunter2@db:port/x"]) {
        const fault = parseConnectionString(bad) as { problem: string; remedy: string };
        expect(fault.problem).toMatch(/^is not usable: /);
        expect(JSON.stringify(fault)).not.toContain("hunter2");
    }
});
