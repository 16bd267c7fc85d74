/** Finds the setting that would help when a file's header cannot be taken, by its first lines. For the message. Pure. */
import { isUtf8 } from "node:buffer";
import type { SourceConfig } from "../../streams/source-config.ts";
import { columnNames, type Stream } from "../../streams/stream.ts";
import { guessEncodings } from "./dialect/guess-encoding.ts";
import type { FileShape, HeaderFault } from "./file-shape.ts";

/** The file's shape, or what is wrong with it, were the source this one. */
type Read = (bytes: Uint8Array, source: SourceConfig) => FileShape | HeaderFault;

const mostLines = 100;
/** How lines of comment begin. */
const commentForm = /^(?:--|\/\/|[#%!*'])/;

/** A sentence that begins with a blank, or nothing. */
export function suggestSetting(
    stream: Stream,
    bytes: Uint8Array,
    fault: HeaderFault,
    source: SourceConfig | null,
    read: Read,
): string {
    if (fault.problem === "header_unreadable" && !isUtf8(bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1 || undefined))) {
        return suggestEncoding(bytes);
    }
    if (!faultsOfLines.includes(fault.problem) || Array.isArray(source?.header)) return "";
    const declared = source ?? { match: "*" };
    const isRead = (changed: Partial<SourceConfig>, of = bytes) =>
        !("problem" in read(of, { ...declared, ...changed }));
    const firstLine = declared.skipLines ?? 0;
    const lines = Buffer.from(bytes.subarray(0, 64 * 1024))
        .toString()
        .split(/\r\n|\r|\n/, firstLine + mostLines);
    // To read a line as a header takes a while, and files without one may be many.
    const names = [...columnNames(stream), ...Object.keys(declared.aliases ?? {})].map((name) => name.toLowerCase());
    const isNaming = (line: string) => names.some((name) => line.toLowerCase().includes(name));
    const mark = commentForm.exec(lines[firstLine] ?? "")?.[0];
    if (mark !== undefined && declared.comment === undefined && isRead({ comment: mark })) {
        return ` If lines that begin with ${mark} are comments, write comment: "${mark}" in sluice.config.ts.`;
    }
    const skipLines = lines.findIndex(
        (line, count) => count > firstLine && isNaming(line) && isRead({ skipLines: count }),
    );
    if (skipLines !== -1) {
        return ` Line ${skipLines + 1} reads as the header: if it is, write skipLines: ${skipLines} in sluice.config.ts.`;
    }
    const line = lines[firstLine] ?? "";
    return declared.delimiter === undefined && isNaming(line) ? suggestDelimiter(line, isRead) : "";
}

const faultsOfLines = [
    "header_missing_columns",
    "header_unreadable",
    "header_unrecognized",
    "header_duplicate_columns",
];

type IsRead = (changed: Partial<SourceConfig>, of?: Uint8Array) => boolean;

function suggestEncoding(bytes: Uint8Array): string {
    const [likeliest, ...others] = guessEncodings(bytes);
    const rest = others.length > 0 ? ` (or ${others.map((name) => `"${name}"`).join(", ")})` : "";
    return ` Its bytes look like ${likeliest}: if they are, write encoding: "${likeliest}"${rest} in sluice.config.ts.`;
}

/** Characters that stand between names. */
const separators = /[^\p{L}\p{N}\p{M}_"'.\0\r\n-]+/gu;
const mostSeparators = 8;
const stand = "\x1f";

function suggestDelimiter(line: string, isRead: IsRead): string {
    const found = [...new Set(line.match(separators))].slice(0, mostSeparators).map((text) => text.trim() || text);
    const fitting = found.filter((delimiter) => {
        return isRead({ delimiter: stand }, Buffer.from(`${line.replaceAll(delimiter, stand)}\n`));
    });
    if (fitting.length !== 1) return "";
    const [delimiter] = fitting as [string];
    const name = JSON.stringify(delimiter);
    if (/^[\x01-\x7e]$/.test(delimiter)) return ` With delimiter: ${name} in sluice.config.ts it would have them.`;
    const why = delimiter.length > 1 ? "of several characters" : "which is not ASCII";
    return ` Its delimiter seems to be ${name}, ${why}. Sluice reads files whose delimiter is one ASCII character: convert it first.`;
}
