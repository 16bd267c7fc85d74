/** The loader's part of a column's type; the rules of the merge are the rest. One file a type. */
import type { SourceConfig } from "../source-config.ts";

export interface ColumnType {
    /** As PostgreSQL writes it. */
    name: string;
    /** Null: any text is plain. */
    plainEnd: PlainEnd | null;
    /** Where any text is plain: a COPY into the table stores it as it is, or fails. Where only some are it does so with those. */
    isKept?: true;
    /** The second since 1970 of the plain value [at, …) that ends before `end`; for timestamps. 0 for a value that has none: use its text. */
    plainSecond?(bytes: Uint8Array, at: number, end: number): number;
    /** The form by which a line that is a record is told from a line of text; null when any value has it. */
    telltale: ((source: SourceConfig | null) => ValueForm) | null;
    /** Which setting of a source says how its values are written. */
    writtenAs: "numbers" | "timestamps" | "local timestamps" | "dates" | null;
    /** For a key. Null: all records are of one slice, so that one worker at a time merges them. */
    slices: Slices | null;
    /** How a person writes a key of this type, to ask for a record; null: one is asked for by file and number alone. */
    typed: TypedForm | null;
    /** Values to try the type with, good ones and such as nearly are. */
    samples: readonly string[];
}

/** Forms match in any case: keys are compared in lower case. */
export interface TypedForm {
    form: RegExp;
    mostCharacters: number;
    /** "a UUID with its dashes" */
    description: string;
    example: string;
}

/**
 * Where the plain value that begins at `at` ends, -1 when it is not plain. Never past `end`. A plain value is one of which
 * the rules need not check the form.
 */
export type PlainEnd = (bytes: Uint8Array, at: number, end: number) => number;

/** Whether the value [start, end), bared of white space and quotes, has the form. */
export type ValueForm = (bytes: Uint8Array, start: number, end: number) => boolean;

/**
 * The slice of a record is a function of its trimmed key alone, so that equal keys always meet in the same merge. It is the
 * same for ever: slices are kept in the ledger while a chunk is half merged.
 */
export interface Slices {
    /** The slice of a key that may have white space and quotes around it. */
    ofBytes(bytes: Uint8Array, start: number, end: number, quote: number): number;
    /** The same of a key that is no longer bytes. */
    ofText(key: string): number;
}

export const sliceCount = 16;

const ZERO = 0x30;
const NINE = 0x39;

export function endOfDigits(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) at += 1;
    return at;
}

const MINUS = 0x2d;

/** Numbers below zero are plain, too. */
export function signed(type: ColumnType): ColumnType {
    const plainEnd = type.plainEnd!;
    return {
        ...type,
        plainEnd(bytes, start, end) {
            if (bytes[start] !== MINUS || start === end) return plainEnd(bytes, start, end);
            const at = plainEnd(bytes, start + 1, end);
            return at === start + 1 ? -1 : at;
        },
        samples: [...type.samples, "-1", "-0", "-"],
    };
}

/** A hash (FNV-1a) of those bytes of a key that `counts` marks with 1. */
export function hashedSlices(counts: Uint8Array): Slices {
    const ofBytes = (bytes: Uint8Array, start: number, end: number) => {
        let hash = 0x811c9dc5;
        for (let at = start; at < end; at += 1) {
            const byte = bytes[at]!;
            if (counts[byte] === 1) hash = Math.imul(hash ^ byte, 0x01000193);
        }
        return (hash ^ (hash >>> 16)) & (sliceCount - 1);
    };
    return { ofBytes, ofText: (key) => ofBytes(Buffer.from(key), 0, Buffer.byteLength(key)) };
}
