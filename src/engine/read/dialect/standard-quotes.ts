/**
 * A record that splits in its dialect → the same record in strict CSV: a value is quoted as a whole or not at all, nothing
 * stands around its quotes, and `escapeMark` is what escapes a quote in it. csv-parse reads doubled quotes as COPY does (its
 * own `escape` drops the character before any other; COPY keeps it). Other bytes stay as they are.
 */

import { type Dialect, type Grammar, grammarOf, isLoose } from "../../../streams/dialect.ts";
import { isEscaped, skipBlanks } from "../find-record-end.ts";

export function toStandardQuotes(
    record: Uint8Array,
    dialect: Dialect,
    escapeMark: string | null = dialect.quote,
): Uint8Array {
    if (dialect.quote === null || (dialect.escape === escapeMark && !isLoose(dialect))) return record;
    const grammar = grammarOf(dialect);
    if (record.indexOf(grammar.quote) === -1) return record;
    const target = escapeMark!.charCodeAt(0);
    const out: number[] = [];
    let at = 0;
    while (true) {
        const open = grammar.trimsQuoted ? skipBlanks(record, at, grammar.delimiter) : at;
        if (record[open] === grammar.quote) at = writeQuoted(record, open, grammar, target, out);
        else at = writeUnquoted(record, at, grammar, target, out);
        if (at >= record.length) return Uint8Array.from(out);
        out.push(grammar.delimiter);
        at += 1;
    }
}

/** Gives where the delimiter behind the value stands, or the record's end. */
function writeQuoted(record: Uint8Array, open: number, grammar: Grammar, target: number, out: number[]): number {
    const { delimiter, quote, escapeByte, trimsQuoted } = grammar;
    out.push(quote);
    let at = open + 1;
    while (at < record.length) {
        const byte = record[at]!;
        const next = record[at + 1];
        if (byte === escapeByte && (escapeByte === quote ? next === quote : isEscaped(next, grammar))) {
            writeEscaped(next!, quote, target, out);
            at += 2;
        } else if (byte === quote) {
            break;
        } else {
            writeEscaped(byte, quote, target, out);
            at += 1;
        }
    }
    out.push(quote);
    return trimsQuoted ? skipBlanks(record, at + 1, delimiter) : at + 1;
}

function writeUnquoted(record: Uint8Array, start: number, grammar: Grammar, target: number, out: number[]): number {
    const { delimiter, quote } = grammar;
    const behind = record.indexOf(delimiter, start);
    const end = behind === -1 ? record.length : behind;
    const value = record.subarray(start, end);
    if (!value.includes(quote)) {
        for (const byte of value) out.push(byte);
        return end;
    }
    out.push(quote);
    for (const byte of value) writeEscaped(byte, quote, target, out);
    out.push(quote);
    return end;
}

function writeEscaped(byte: number, quote: number, target: number, out: number[]): void {
    if (byte === quote || byte === target) out.push(target);
    out.push(byte);
}
