/** Where one field of a record stands. Pure. */
import type { Grammar } from "../../streams/dialect.ts";
import { isEscaped } from "./find-record-end.ts";
import { isWhiteSpace } from "./line-start.ts";

/** Where the field of that number stands, its quotes included, in a record that splits; empty when it has none. */
export function findField(
    bytes: Uint8Array,
    start: number,
    end: number,
    fieldIndex: number,
    grammar: Grammar,
): { start: number; end: number } {
    const { delimiter, quote, escapeByte } = grammar;
    let fieldNo = 0;
    let fieldStart = start;
    let inQuotes = false;
    let atFieldStart = true;
    for (let at = start; at < end; at += 1) {
        const byte = bytes[at]!;
        if (inQuotes && byte === escapeByte && escapeByte !== quote && isEscaped(bytes[at + 1], grammar)) at += 1;
        else if (byte === quote && (inQuotes || atFieldStart || !grammar.isLenient)) inQuotes = !inQuotes;
        else if (byte === delimiter && !inQuotes) {
            if (fieldNo === fieldIndex) return { start: fieldStart, end: at };
            fieldNo += 1;
            fieldStart = at + 1;
            atFieldStart = true;
            continue;
        }
        if (!(grammar.trimsQuoted && isWhiteSpace(byte))) atFieldStart = false;
    }
    return fieldNo === fieldIndex ? { start: fieldStart, end } : { start, end: start };
}
