import { type ColumnType, hashedSlices } from "./column-type.ts";

/**
 * Letters and digits, and what is no ASCII: none of these can be a delimiter, a quote or an escape, so a key has one slice
 * however its file writes it.
 */
const counts = new Uint8Array(256).map((_, byte) => (byte >= 0x80 || /\w/.test(String.fromCharCode(byte)) ? 1 : 0));
counts["_".charCodeAt(0)] = 0;

export const text: ColumnType = {
    name: "text",
    plainEnd: null,
    telltale: null,
    writtenAs: null,
    slices: hashedSlices(counts),
    typed: null,
    samples: ["view", "p", "é".repeat(50), "y".repeat(100), "y".repeat(99), "🙂".repeat(25), 'say "it"', "a\\b", ""],
};
