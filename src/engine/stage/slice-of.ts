/**
 * The slice of a record: a function of its trimmed key alone, so that equal keys always meet in the same merge. It is
 * the key's last hex digit, whatever its case: random in every version of uuid, and the same for ever (slices are kept
 * in the ledger while a chunk is half merged). 0 for a key that ends otherwise: such a record is rejected anyway.
 */
const sliceByByte = new Uint8Array(256);
for (let digit = 0; digit < 16; digit += 1) {
    sliceByByte[digit.toString(16).charCodeAt(0)] = digit;
    sliceByByte[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

export const sliceCount = 16;

/** The slice of a key whose last byte, behind which only white space and quotes may stand, is before `end`. */
export function sliceOfBytes(bytes: Uint8Array, start: number, end: number, quote = 0x22): number {
    let at = end - 1;
    while (at >= start && (bytes[at]! <= 0x20 || bytes[at] === quote)) at -= 1;
    return at < start ? 0 : sliceByByte[bytes[at]!]!;
}

/** The same of a key that is no longer bytes. */
export function sliceOfText(key: string | null): number {
    const bare = key?.trimEnd() ?? "";
    const code = bare.charCodeAt(bare.length - 1);
    return code < 256 ? sliceByByte[code]! : 0;
}
