/** The fields of a record that splits. Pure. */
import { type Grammar, isEscaped } from "../../streams/dialect.ts";
import { isWhiteSpace } from "./lines.ts";

/** The bytes of each field, with its quotes and the blanks around them. */
export function* fieldsOf(record: Uint8Array, grammar: Grammar): Generator<Uint8Array> {
    const { delimiter, quote, escapeByte } = grammar;
    let start = 0;
    let inQuotes = false;
    let atFieldStart = true;
    for (let at = 0; at < record.length; at += 1) {
        const byte = record[at]!;
        if (byte === delimiter && !inQuotes) {
            yield record.subarray(start, at);
            start = at + 1;
            atFieldStart = true;
            continue;
        }
        if (inQuotes && byte === escapeByte && isEscaped(record[at + 1], grammar)) at += 1;
        else if (byte === quote && (inQuotes || atFieldStart || !grammar.isLenient)) inQuotes = !inQuotes;
        if (!(grammar.trimsQuoted && isWhiteSpace(byte))) atFieldStart = false;
    }
    yield record.subarray(start);
}

/** Empty, blank, or blank in quotes. */
export function isEmptyField(field: Uint8Array, { quote }: Grammar): boolean {
    const bytes = field.filter((byte) => !isWhiteSpace(byte));
    return bytes.length === 0 || (bytes.length === 2 && bytes.every((byte) => byte === quote));
}

/** Whether all values of the record are empty or white space. */
export function isBlankRecord(record: Uint8Array, grammar: Grammar): boolean {
    const { delimiter, quote } = grammar;
    // Nearly every record has another byte among its first two.
    const mayBe = record.every((byte) => byte === delimiter || byte === quote || isWhiteSpace(byte));
    return mayBe && fieldsOf(record, grammar).every((field) => isEmptyField(field, grammar));
}
