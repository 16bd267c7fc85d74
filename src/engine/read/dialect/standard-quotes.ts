/**
 * A record that splits in its dialect → the same record in strict CSV: a value is quoted as a whole or not at all, nothing
 * stands around its quotes, and `escapeMark` is what escapes a quote in it. csv-parse reads doubled quotes as COPY does (its
 * own `escape` drops the character before any other; COPY keeps it). Other bytes stay as they are.
 */

import { type Dialect, type Grammar, grammarOf, isEscaped, isLoose } from "../../../streams/dialect.ts";
import { fieldsOf } from "../fields.ts";
import { skipBlanks } from "../lines.ts";

export function toStandardQuotes(
    record: Uint8Array,
    dialect: Dialect,
    escapeMark: string | null = dialect.quote,
): Uint8Array {
    if (dialect.quote === null || (dialect.escape === escapeMark && !isLoose(dialect))) return record;
    const grammar = grammarOf(dialect);
    if (record.indexOf(grammar.quote) === -1) return record;
    const newEscape = escapeMark!.charCodeAt(0);
    const out: number[] = [];
    for (const field of fieldsOf(record, grammar)) {
        writeField(field, grammar, newEscape, out);
        out.push(grammar.delimiter);
    }
    return Uint8Array.from(out.slice(0, -1));
}

function writeField(field: Uint8Array, grammar: Grammar, newEscape: number, out: number[]): void {
    const { delimiter, quote, escapeByte, trimsQuoted } = grammar;
    const open = trimsQuoted ? skipBlanks(field, 0, delimiter) : 0;
    const isQuoted = field[open] === quote;
    const value = isQuoted ? field.subarray(open + 1, field.lastIndexOf(quote)) : field;
    const needsQuotes = isQuoted || value.includes(quote);
    if (needsQuotes) out.push(quote);
    for (let at = 0; at < value.length; at += 1) {
        if (isQuoted && value[at] === escapeByte && isEscaped(value[at + 1], grammar)) at += 1;
        const byte = value[at]!;
        if (needsQuotes && (byte === quote || byte === newEscape)) out.push(newEscape);
        out.push(byte);
    }
    if (needsQuotes) out.push(quote);
}
