/**
 * Bytes of a CSV file → its records, by the sentence of the contract: the longest strictly valid CSV record up to a
 * maximum size; otherwise the physical line, and reading resumes at the next line. A record whose values are all empty or
 * blank is none. Lines end with LF or CRLF; any other carriage return is only valid inside quotes. A byte order mark at
 * the beginning of a line is no part of it, nor are Ctrl-Zs at the end of the file, alone on a line, or before a mark or a
 * key. A quoted value that holds a line which is a record by itself was not closed where it should have been.
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
    /** How many columns there are and which is the key, once the header was read. Asked for each record. */
    layout?(): { width: number; keyPlace: number } | null;
}

const lineFeed = 10;
const carriageReturn = 13;
const quoteMark = 34;

export function* splitRecords(whole: string, options: SplitOptions): Generator<SplitRecord> {
    const { delimiter, maxRecordBytes, layout = () => null } = options;
    const bytes = whole.replace(/\x1a+$/, "");
    let position = 0;
    let nextQuote = bytes.indexOf('"', position);

    while (position < bytes.length) {
        const line = findLine(bytes, position);
        const columns = layout();
        line.start += lengthOfMarks(bytes.slice(line.start, line.end), (columns?.keyPlace ?? 0) === 0);
        if (line.end === line.start) {
            position = line.next;
            continue;
        }
        if (nextQuote !== -1 && nextQuote < position) nextQuote = bytes.indexOf('"', position);

        const hasQuote = nextQuote !== -1 && nextQuote < line.end;
        const strict = hasQuote
            ? readStrictRecord(bytes, line.start, delimiter, maxRecordBytes)
            : readPlainLine(bytes, line, delimiter);
        const isBlankLine = !hasQuote && [...bytes.slice(line.start, line.end)].every(isSpaceOr(delimiter));
        const hides = hasQuote && columns !== null && hidesRecord(bytes, line, delimiter, maxRecordBytes, columns);
        const record = hides ? null : strict;

        if (isBlankLine) {
            position = line.next;
        } else if (record !== null && record.end - line.start <= maxRecordBytes) {
            if (!record.values.every((value) => [...value].every(isSpaceOr(" "))))
                yield { values: record.values, problem: null, start: line.start, end: record.end };
            position = record.next;
        } else {
            const problem = line.end - line.start > maxRecordBytes ? "record too large" : "not strictly valid CSV";
            yield { values: null, problem, start: line.start, end: line.end };
            position = line.next;
        }
    }
}

function isSpaceOr(other: string): (character: string) => boolean {
    return (character) => " \t\n\v\f\r".includes(character) || character === other;
}

function lengthOfMarks(line: string, isKeyFirst: boolean): number {
    const [marks, controls, orders] = /^(\x1a*)((?:\xef\xbb\xbf)*)/.exec(line)!;
    return controls === "" || orders !== "" || marks.length === line.length || isKeyFirst ? marks.length : 0;
}

const idForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Whether a quoted value of the record that begins at `line.start` holds the telling part of a line that has as many
 * delimiters as there are columns for, and an id in the key's place: the delimiter before the id (behind it, when it comes
 * first) is one of the value's characters. Only what the maximum lets in is looked at.
 */
function hidesRecord(
    bytes: string,
    { start }: Line,
    delimiter: string,
    maxBytes: number,
    { width, keyPlace }: { width: number; keyPlace: number },
): boolean {
    if (width < 2) return false;
    // Which of the bytes stand in quotes, for as long as the record is strict.
    const limit = Math.min(bytes.length, start + maxBytes + 2);
    const quoted = new Set<number>();
    let end = start;
    let isOpen = false;
    for (; end < limit; end++) {
        const character = bytes[end]!;
        if (isOpen) {
            quoted.add(end);
            if (character === '"' && bytes[end + 1] === '"') quoted.add(++end);
            else if (character === '"') isOpen = false;
        } else if (character === "\n") {
            break;
        } else if (character === '"') {
            isOpen = true;
        }
    }
    const isLineEnd = (at: number) => at >= bytes.length || bytes[at] === "\n";
    const text = bytes.slice(start, isLineEnd(end) && !isOpen ? end : bytes.lastIndexOf("\n", limit - 1));
    if (!text.includes("\n")) return false;
    let from = start;
    for (const line of text.split("\n")) {
        const values = line.split(delimiter);
        const before = values.slice(0, keyPlace === 0 ? 1 : keyPlace).join(delimiter).length;
        const key = (values[keyPlace] ?? "").replace(/^["\s]+|["\s]+$/g, "");
        if (values.length === width && idForm.test(key) && quoted.has(from + before)) return true;
        from += line.length + 1;
    }
    return false;
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
