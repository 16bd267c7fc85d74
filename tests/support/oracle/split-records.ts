/**
 * Bytes of a CSV file → its records, by the sentence of docs/system_architecture.md ("A record"): the longest strictly valid CSV record up to a
 * maximum size; otherwise the physical line, and reading resumes at the next line. A fully empty line is no record.
 * Lines end with LF or CRLF; any other carriage return is only valid inside quotes.
 *
 * Part of the oracle: written from the rules alone, sharing nothing with src/.
 */

/** One record. Texts are byte strings (latin1): one character per byte. */
export interface SplitRecord {
    /** Null when the line is not strictly valid CSV, or is too long. */
    values: string[] | null;
    /** Why not. */
    problem: string | null;
    /** The offsets of the record in `bytes`, without its line end. */
    start: number;
    end: number;
}

export interface SplitOptions {
    delimiter: string;
    maxRecordBytes: number;
}

const lineFeed = 10;
const carriageReturn = 13;
const quoteMark = 34;

export function* splitRecords(bytes: string, { delimiter, maxRecordBytes }: SplitOptions): Generator<SplitRecord> {
    let position = bytes.startsWith("\xef\xbb\xbf") ? 3 : 0;
    let nextQuote = bytes.indexOf('"', position);

    while (position < bytes.length) {
        const line = findLine(bytes, position);
        if (line.end === line.start) {
            position = line.next;
            continue;
        }
        if (nextQuote !== -1 && nextQuote < position) nextQuote = bytes.indexOf('"', position);

        const hasQuote = nextQuote !== -1 && nextQuote < line.end;
        const record = hasQuote
            ? readStrictRecord(bytes, position, delimiter, maxRecordBytes)
            : readPlainLine(bytes, line, delimiter);

        if (record !== null && record.end - position <= maxRecordBytes) {
            yield { values: record.values, problem: null, start: position, end: record.end };
            position = record.next;
        } else {
            const problem = line.end - line.start > maxRecordBytes ? "record too large" : "not strictly valid CSV";
            yield { values: null, problem, start: line.start, end: line.end };
            position = line.next;
        }
    }
}

interface Line {
    start: number;
    end: number;
    next: number;
}

/** The physical line at `start`: up to LF, CRLF or the end of the file. */
function findLine(bytes: string, start: number): Line {
    const feed = bytes.indexOf("\n", start);
    if (feed === -1) return { start, end: trimReturn(bytes, start, bytes.length), next: bytes.length };
    return { start, end: trimReturn(bytes, start, feed), next: feed + 1 };
}

function trimReturn(bytes: string, start: number, end: number): number {
    return end > start && bytes.charCodeAt(end - 1) === carriageReturn ? end - 1 : end;
}

interface StrictRecord {
    values: string[];
    end: number;
    next: number;
}

/** A line without a quote. */
function readPlainLine(bytes: string, { start, end, next }: Line, delimiter: string): StrictRecord | null {
    const text = bytes.slice(start, end);
    return text.includes("\r") ? null : { values: text.split(delimiter), end, next };
}

/** Null when what begins at `start` is not strictly valid, or longer than `maxBytes`. */
function readStrictRecord(bytes: string, start: number, delimiter: string, maxBytes: number): StrictRecord | null {
    const values: string[] = [];
    let position = start;
    while (true) {
        const field =
            bytes.charCodeAt(position) === quoteMark
                ? readQuotedField(bytes, position, start + maxBytes)
                : readPlainField(bytes, position, delimiter);
        if (field === null) return null;
        values.push(field.value);

        const lineEnd = lengthOfLineEnd(bytes, field.end);
        if (lineEnd !== null) return { values, end: field.end, next: field.end + lineEnd };
        if (!bytes.startsWith(delimiter, field.end)) return null;
        position = field.end + delimiter.length;
    }
}

interface Field {
    value: string;
    end: number;
}

/** A quote closes the field unless another follows at once; those two are one quote of the value. */
function readQuotedField(bytes: string, start: number, limit: number): Field | null {
    let value = "";
    let from = start + 1;
    while (true) {
        const quote = bytes.indexOf('"', from);
        if (quote === -1 || quote >= limit) return null;
        value += bytes.slice(from, quote);
        if (bytes.charCodeAt(quote + 1) !== quoteMark) return { value, end: quote + 1 };
        value += '"';
        from = quote + 2;
    }
}

function readPlainField(bytes: string, start: number, delimiter: string): Field | null {
    const line = findLine(bytes, start);
    const comma = bytes.indexOf(delimiter, start);
    const end = comma !== -1 && comma < line.end ? comma : line.end;
    const value = bytes.slice(start, end);
    return value.includes('"') || value.includes("\r") ? null : { value, end };
}

/** 0 at the end of the file; null where no line ends. */
function lengthOfLineEnd(bytes: string, position: number): number | null {
    if (position >= bytes.length) return 0;
    const code = bytes.charCodeAt(position);
    if (code === lineFeed) return 1;
    if (code !== carriageReturn) return null;
    if (bytes.charCodeAt(position + 1) === lineFeed) return 2;
    return position + 1 === bytes.length ? 1 : null;
}
