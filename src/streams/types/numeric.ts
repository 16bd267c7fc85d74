import { type ColumnType, endOfDigits } from "./column-type.ts";

const DOT = 0x2e;

/** Plain is nothing, or as many digits as fit before the point, which it and as many decimals as fit may follow. */
export function numeric(precision: number, scale: number): ColumnType {
    const mostWhole = precision - scale;
    return {
        name: `numeric(${precision},${scale})`,
        plainEnd(bytes, start, end) {
            const at = endOfDigits(bytes, start, end);
            if (at - start > mostWhole) return -1;
            if (at === start || at === end || bytes[at] !== DOT) return at;
            const decimalsEnd = endOfDigits(bytes, at + 1, end);
            const decimals = decimalsEnd - at - 1;
            return decimals >= 1 && decimals <= scale ? decimalsEnd : -1;
        },
        telltale: null,
        writtenAs: "numbers",
        slices: null,
        typed: null,
        samples: ["", "0", "0.5", "1.500", `${"9".repeat(mostWhole)}.${"9".repeat(scale)}`, "1".repeat(mostWhole)],
    };
}

const mostDigits = 1000;

/** numeric without a precision: digits, which a point and decimals may follow. */
export const anyNumeric: ColumnType = {
    ...numeric(2 * mostDigits, mostDigits),
    name: "numeric",
    samples: ["", "0", "0.5", "1.500", "-17", "+3", "1e3", "1E-5", "123456789012345678901234567890.123456789"],
};
