import { type ColumnType, endOfDigits, hashedSlices, type ValueForm } from "./column-type.ts";

const mostDigits = { smallint: 4, integer: 9, bigint: 18 };

const isDigits: ValueForm = (bytes, start, end) => end > start && endOfDigits(bytes, start, end) === end;

/** Without the zeros before it, an integer has the same digits however it is written; zeros within it are left out too. */
const counts = new Uint8Array(256).map((_, byte) => (byte >= 0x31 && byte <= 0x39 ? 1 : 0));

/** Plain is nothing, or so many digits that it is in range whatever they are. */
function typeOf(name: keyof typeof mostDigits): ColumnType {
    const most = mostDigits[name];
    return {
        name,
        plainEnd(bytes, start, end) {
            const at = endOfDigits(bytes, start, end);
            return at - start <= most ? at : -1;
        },
        telltale: () => isDigits,
        writtenAs: "numbers",
        slices: hashedSlices(counts),
        typed: null,
        samples: ["", "0", "7", "9".repeat(most), "2147483647", "0000000001", "1".padStart(most, "0")],
    };
}

export const smallint = typeOf("smallint");
export const integer = typeOf("integer");
export const bigint = typeOf("bigint");
