/**
 * A strict record with an escape character of its own → the same with doubled quotes, which csv-parse reads as COPY
 * does (its own `escape` drops the character before any other; COPY keeps it). Other bytes stay as they are.
 */
import { type Dialect, grammarOf } from "./dialect.ts";

export function toStandardQuotes(record: Uint8Array, dialect: Dialect): Uint8Array {
    if (dialect.quote === null || dialect.escape === dialect.quote) return record;
    const { delimiter, quote, escapeByte } = grammarOf(dialect);
    if (record.indexOf(quote) === -1) return record;
    const out: number[] = [];
    let inQuotes = false;
    let atFieldStart = true;
    for (let at = 0; at < record.length; at += 1) {
        const byte = record[at]!;
        const next = record[at + 1];
        if (inQuotes && byte === escapeByte && (next === quote || next === escapeByte)) {
            if (next === quote) out.push(quote, quote);
            else out.push(escapeByte);
            at += 1;
            continue;
        }
        if (byte === quote && (inQuotes || atFieldStart)) inQuotes = !inQuotes;
        atFieldStart = !inQuotes && byte === delimiter;
        out.push(byte);
    }
    return Uint8Array.from(out);
}
