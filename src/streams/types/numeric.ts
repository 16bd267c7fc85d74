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
