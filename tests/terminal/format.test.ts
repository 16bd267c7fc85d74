import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
    formatAge,
    formatBytes,
    formatCount,
    formatDuration,
    formatNumber,
    formatShare,
} from "../../src/terminal/format.ts";

test("numbers have thousands separators, beyond 2^53 too", () => {
    expect(formatNumber(0)).toBe("0");
    expect(formatNumber(1_234_567)).toBe("1,234,567");
    expect(formatNumber(12_345_678_901_234_567_890n)).toBe("12,345,678,901,234,567,890");
});

test("a noun agrees with its count", () => {
    expect(formatCount(1, "file")).toBe("1 file");
    expect(formatCount(0, "file")).toBe("0 files");
    expect(formatCount(1204, "batch", "batches")).toBe("1,204 batches");
});

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

    /** What the text says, in milliseconds. */
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

test("ages", () => {
    expect(formatAge(null)).toBe("never");
    expect(formatAge(0.9)).toBe("just now");
    expect(formatAge(12)).toBe("12 s ago");
    expect(formatAge(200)).toBe("3m 20s ago");
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
        const unitBytes: Record<string, number> = {
            B: 1,
            KiB: 1024,
            MiB: 1024 ** 2,
            GiB: 1024 ** 3,
            TiB: 1024 ** 4,
            PiB: 1024 ** 5,
        };
        fc.assert(
            fc.property(
                fc.maxSafeInteger().filter((bytes) => bytes >= 0),
                (bytes) => {
                    const [amount, unit] = formatBytes(bytes).split(" ") as [string, string];
                    expect(amount.replace(".", "").replace(/^0+/, "").length).toBeLessThanOrEqual(3);
                    expect(Math.abs(Number(amount) * unitBytes[unit]! - bytes)).toBeLessThanOrEqual(bytes / 100);
                },
            ),
        );
    });
});

test("a share is all or nothing only when it is", () => {
    expect(formatShare(0, 0)).toBe("–");
    expect(formatShare(0, 3)).toBe("0 %");
    expect(formatShare(1, 3)).toBe("33.3 %");
    expect(formatShare(3, 3)).toBe("100 %");
    expect(formatShare(1, 1_000_000)).toBe("<0.1 %");
    expect(formatShare(999_999, 1_000_000)).toBe(">99.9 %");
});
