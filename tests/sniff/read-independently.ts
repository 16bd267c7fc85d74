/** The values of a file of the corpus by another CSV reader than the program's: a fault of its own would be none of theirs. */
import { readFileSync } from "node:fs";
import Papa from "papaparse";

export interface IndependentFile {
    header: string[];
    /** Trimmed. Those with as many values as the header, in their order. */
    records: string[][];
}

/** `hasHeader`: false when the first line is a record. */
export function readIndependently(path: string, encoding: string | null, hasHeader: boolean): IndependentFile {
    const stored = readFileSync(path);
    const bytes = path.endsWith(".gz") ? Bun.gunzipSync(stored) : stored;
    const isWide = bytes[0] === 0xff && bytes[1] === 0xfe;
    const text = new TextDecoder(encoding ?? (isWide ? "utf-16le" : "utf-8")).decode(bytes);
    const delimiter = text.includes("\x01") ? "\x01" : "";
    const { data } = Papa.parse<string[]>(text, { delimiter, skipEmptyLines: true });
    const rows = data.map((row) => row.map((value) => value.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, "")));
    const header = hasHeader ? rows[0]! : [];
    const width = rows[0]!.length;
    return { header, records: rows.slice(hasHeader ? 1 : 0).filter((row) => row.length === width) };
}
