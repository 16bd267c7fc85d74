import { type ColumnType, type Slices, sliceCount } from "./column-type.ts";

const DASH = 0x2d;
const length = 36;

/** By byte: the hex digit's value, and whether it is one. */
const digitOf = new Uint8Array(256);
const isHex = new Uint8Array(256);
for (let digit = 0; digit < sliceCount; digit += 1) {
    for (const character of [digit.toString(16), digit.toString(16).toUpperCase()]) {
        digitOf[character.charCodeAt(0)] = digit;
        isHex[character.charCodeAt(0)] = 1;
    }
}

/** 8-4-4-4-12 hex digits. */
function plainEnd(bytes: Uint8Array, start: number, end: number): number {
    if (start + length > end) return -1;
    const hasDashes =
        bytes[start + 8] === DASH &&
        bytes[start + 13] === DASH &&
        bytes[start + 18] === DASH &&
        bytes[start + 23] === DASH;
    if (!hasDashes) return -1;
    let digits = 0;
    for (let at = start; at < start + length; at += 1) digits += isHex[bytes[at]!]!;
    return digits === 32 ? start + length : -1;
}

const isUuid = (bytes: Uint8Array, start: number, end: number) => plainEnd(bytes, start, end) === end;

/** The last hex digit, whatever its case: random in every version of uuid. 0 for a key that ends otherwise: it is rejected anyway. */
const slices: Slices = {
    ofBytes(bytes, start, end, quote) {
        let at = end - 1;
        while (at >= start && (bytes[at]! <= 0x20 || bytes[at] === quote)) at -= 1;
        return at < start ? 0 : digitOf[bytes[at]!]!;
    },
    ofText(key) {
        const bare = key.trimEnd();
        const code = bare.charCodeAt(bare.length - 1);
        return code < 256 ? digitOf[code]! : 0;
    },
};

export const uuid: ColumnType = {
    name: "uuid",
    plainEnd,
    telltale: () => isUuid,
    writtenAs: null,
    slices,
    typed: {
        form: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
        mostCharacters: length,
        description: "a UUID with its dashes",
        example: "123e4567-e89b-12d3-a456-426614174000",
    },
    samples: ["018f0000-0000-4000-8000-00000000000a", "018F0000-0000-4000-8000-00000000000A"],
};
