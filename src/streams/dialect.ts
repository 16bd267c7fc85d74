/** How a file spells its records, in the form that the ledger keeps it (ingest.files.dialect). */

/** One byte a character, by the names of the Encoding Standard (WHATWG), which TextDecoder knows. */
const singleByteEncodings = [
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "windows-874",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-15",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "ibm866",
] as const;

/** One byte a character or more, by the same names. */
export const multiByteEncodings = ["gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"] as const;

export const encodings = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "utf-32le",
    "utf-32be",
    "latin1",
    ...singleByteEncodings,
    ...multiByteEncodings,
] as const;
export type Encoding = (typeof encodings)[number];

export interface Dialect {
    delimiter: string;
    /** Null: no value is quoted. */
    quote: string | null;
    /** Stands before a quote that is part of a quoted value; null without a quote. */
    escape: string | null;
    /** Lines that begin with it are no records; null: there are none. */
    comment: string | null;
    /** `lf`: LF or CRLF ends a line, and a lone CR is a stray one. `any`: a lone CR ends a line as well. */
    lineEnd: "lf" | "any";
    encoding: Encoding;
    /** Only the header's line, or only the records' lines, end with a delimiter that no column stands behind. */
    trailingDelimiter?: (typeof trailingDelimiters)[number];
    /** A quote inside an unquoted value is one of its characters. Absent: it makes the record one that cannot be split. */
    hasLenientQuotes?: true;
    /** Blanks between a quoted value and a delimiter or line end are no part of it. Absent: as above. */
    trimsQuoted?: true;
}

export const trailingDelimiters = ["header", "records"] as const;

export const defaultDialect: Dialect = {
    delimiter: ",",
    quote: '"',
    escape: '"',
    comment: null,
    lineEnd: "lf",
    encoding: "utf-8",
};

/** The delimiters that are tried when none is declared, with the control characters that the file begins with. */
export const delimiterCandidates = [",", ";", "\t", "|"] as const;

const candidateNames: Record<string, string> = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe" };

/** For people. */
export function delimiterName(delimiter: string): string {
    if (delimiter < " " && delimiter !== "\t") {
        return `Ctrl-${String.fromCharCode(delimiter.charCodeAt(0) + 0x40)} (${JSON.stringify(delimiter)})`;
    }
    return candidateNames[delimiter] ?? `"${delimiter}"`;
}

/** The byte order mark: in the middle of a file too, where files were put together. */
export const BOM = [0xef, 0xbb, 0xbf] as const;
/** Ends a file in DOS: `copy` puts one behind each. */
export const CONTROL_Z = 0x1a;

/** The classes of bytes to the scanner; that of most bytes is 0. */
export const TEXT = 0;
export const DELIMITER = 1;
export const LINE_END = 2;
export const QUOTE = 3;

/** COPY reads a quoted record otherwise than this dialect does: it is rewritten first (standard-quotes.ts). */
export function isLoose({ hasLenientQuotes, trimsQuoted }: Dialect): boolean {
    return Boolean(hasLenientQuotes || trimsQuoted);
}

/** A dialect as the scanner takes it: bytes, and none (-1) where there is none. */
export interface Grammar {
    /** By byte: TEXT, DELIMITER, LINE_END or QUOTE. One load a byte, whatever the dialect. */
    classes: Uint8Array;
    delimiter: number;
    quote: number;
    escapeByte: number;
    /** Empty: there are no comments. */
    comment: Uint8Array;
    /** A lone CR ends a line. */
    takesReturn: boolean;
    isLenient: boolean;
    trimsQuoted: boolean;
    /** By byte: 1 for one with which a line may begin that is not wholly a record (lines.ts). */
    firstBytes: Uint8Array;
}

export function grammarOf({
    delimiter,
    quote,
    escape: escapeMark,
    comment,
    lineEnd,
    hasLenientQuotes,
    trimsQuoted,
}: Omit<Dialect, "encoding">): Grammar {
    const grammar: Grammar = {
        classes: new Uint8Array(256),
        delimiter: delimiter.charCodeAt(0),
        quote: quote === null ? -1 : quote.charCodeAt(0),
        escapeByte: quote === null || escapeMark === null ? -1 : escapeMark.charCodeAt(0),
        comment: Buffer.from(comment ?? ""),
        takesReturn: lineEnd === "any",
        isLenient: hasLenientQuotes ?? false,
        trimsQuoted: trimsQuoted ?? false,
        firstBytes: new Uint8Array(256),
    };
    grammar.classes[0x0a] = LINE_END;
    if (grammar.takesReturn) grammar.classes[0x0d] = LINE_END;
    grammar.classes[grammar.delimiter] = DELIMITER;
    if (grammar.quote !== -1) grammar.classes[grammar.quote] = QUOTE;
    for (const byte of [BOM[0], CONTROL_Z]) grammar.firstBytes[byte] = 1;
    if (comment !== null) grammar.firstBytes[grammar.comment[0]!] = 1;
    return grammar;
}

export const defaultGrammar = grammarOf(defaultDialect);

/** Whether `next`, behind an escape character, is escaped; before any other byte the escape stands for itself, as in COPY. */
export function isEscaped(next: number | undefined, { quote, escapeByte }: Grammar): boolean {
    return next === quote || next === escapeByte;
}
