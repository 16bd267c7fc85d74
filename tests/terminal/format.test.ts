import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
    formatAge,
    formatBytes,
    formatCount,
    formatDuration,
    formatMoment,
    formatNumber,
    formatShare,
} from "../../src/terminal/format.ts";

test.each<[string, string]>([
    [formatNumber(0), "0"],
    [formatNumber(1_234_567), "1,234,567"],
    [formatNumber(12_345_678_901_234_567_890n), "12,345,678,901,234,567,890"],
    [formatCount(1, "file"), "1 file"],
    [formatCount(0, "file"), "0 files"],
    [formatCount(1204, "batch", "batches"), "1,204 batches"],
    [formatAge(null), "never"],
    [formatAge(0.9), "just now"],
    [formatAge(12), "12 s ago"],
    [formatAge(200), "3m 20s ago"],
    [formatShare(0, 0), "–"],
    [formatShare(0, 3), "0 %"],
    [formatShare(1, 3), "33.3 %"],
    [formatShare(3, 3), "100 %"],
    [formatShare(1, 1_000_000), "<0.1 %"],
    [formatShare(999_999, 1_000_000), ">99.9 %"],
])("%p is %p", (shown, expected) => expect(shown).toBe(expected));

describe("durations", () => {
    test.each([
        [0, "0 ms"],
        [0.4, "0 ms"],
        [999.4, "999 ms"],
        [999.5, "1 s"],
        [1500, "1.5 s"],
        [42_040, "42 s"],
        [59_499, "59.5 s"],
        [59_500, "1m"],
        [200_000, "3m 20s"],
        [3_599_499, "59m 59s"],
        [3_599_500, "1h"],
        [7_500_000, "2h 5m"],
        [86_399_000, "1d"],
        [356_400_000, "4d 3h"],
    ])("%d ms is %s", (durationMs, shown) => expect(formatDuration(durationMs)).toBe(shown));

    /** The duration that the text states, in milliseconds. */
    const readBack = (text: string) => {
        const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
        const parts = [...text.replaceAll(",", "").matchAll(/([\d.]+) ?(ms|s|m|h|d)/g)];
        return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit!]!, 0);
    };

    test("are at most eight characters, and within a tenth of the truth, below a hundred days", () => {
        fc.assert(
            fc.property(fc.double({ min: 1, max: 100 * 86_400_000, noNaN: true }), (durationMs) => {
                const shown = formatDuration(durationMs);
                expect(shown.length).toBeLessThanOrEqual(8);
                expect(Math.abs(readBack(shown) - durationMs)).toBeLessThanOrEqual(Math.max(0.5, durationMs / 10));
            }),
        );
    });
});

describe("bytes", () => {
    test.each([
        [0, "0 B"],
        [999, "999 B"],
        [1000, "0.98 KiB"],
        [1536, "1.5 KiB"],
        [16 * 1024 ** 2, "16 MiB"],
        [999.9 * 1024, "0.98 MiB"],
        [10 * 1024 ** 3, "10 GiB"],
    ])("%d bytes are %s", (bytes, shown) => expect(formatBytes(bytes)).toBe(shown));

    test("show three digits at most, and are within 1 % of the truth", () => {
        const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        fc.assert(
            fc.property(
                fc.maxSafeInteger().filter((bytes) => bytes >= 0),
                (bytes) => {
                    const [amount, unit] = formatBytes(bytes).split(" ") as [string, string];
                    expect(amount.replace(".", "").replace(/^0+/, "").length).toBeLessThanOrEqual(3);
                    expect(Math.abs(Number(amount) * 1024 ** units.indexOf(unit) - bytes)).toBeLessThanOrEqual(
                        bytes / 100,
                    );
                },
            ),
        );
    });
});

test.each([
    ["2026-01-31T07:29:31.250000Z", "2026-01-31 07:29:31Z"],
    ["2026-01-31T23:29:31.999+00:00", "2026-01-31 23:29:31Z"],
    ["2026-02-01T00:29:31+05:30", "2026-01-31 18:59:31Z"],
])("%s is shown as %s", (instant, shown) => expect(formatMoment(instant)).toBe(shown));
