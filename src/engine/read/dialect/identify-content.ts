/** Identifies files that are no text by their first bytes, whatever their names say. Pure. */
import type { FileProblem } from "../../../database/file-problems.ts";

interface Format {
    /** With its article, for people. */
    name: string;
    form: RegExp;
}

const zip = "a zip archive";

/** Tested on the bytes as Latin-1. Long enough that no text begins so. */
const formats: Format[] = [
    { name: "an Excel workbook (xlsx)", form: /^PK\x03\x04.*(?:\[Content_Types\]\.xml|xl\/|_rels\/)/s },
    { name: "an OpenDocument file", form: /^PK\x03\x04.*mimetypeapplication\/vnd\.oasis/s },
    { name: zip, form: /^PK(?:\x03\x04|\x05\x06|\x07\x08)/ },
    { name: "an Excel workbook (xls)", form: /^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1/ },
    { name: "bzip2", form: /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/ },
    { name: "xz", form: /^\xfd7zXZ\0/ },
    { name: "an lz4 file", form: /^\x04\x22\x4d\x18/ },
    { name: "a lzip file", form: /^LZIP\x01/ },
    { name: "a compress file (.Z)", form: /^\x1f\x9d/ },
    { name: "a snappy file", form: /^\xff\x06\0\0sNaPpY/ },
    { name: "a 7z archive", form: /^7z\xbc\xaf\x27\x1c/ },
    { name: "a rar archive", form: /^Rar!\x1a\x07/ },
    { name: "a tar archive", form: /^.{257}ustar/s },
    { name: "a Parquet file", form: /^PAR1/ },
    { name: "an ORC file", form: /^ORC[\0-\x1f]/ },
    { name: "an Avro file", form: /^Obj\x01/ },
    { name: "an Arrow file", form: /^(?:ARROW1\0\0|FEA1)/ },
    { name: "a PDF document", form: /^%PDF-/ },
    { name: "a SQLite database", form: /^SQLite format 3\0/ },
    { name: "a binary COPY file of PostgreSQL", form: /^PGCOPY\n\xff\r\n\0/ },
    { name: "a dump of PostgreSQL", form: /^PGDMP/ },
    { name: "a web page (HTML)", form: /^\s*<(?:!doctype html|html)[\s>]/i },
    { name: "an XML document", form: /^(?:\xef\xbb\xbf)?<\?xml\s/ },
    { name: "a picture", form: /^(?:\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a)/ },
    { name: "a program", form: /^(?:\x7fELF|MZ\x90\0)/ },
];

const gzipForm = /^\x1f\x8b\x08/;
/** A frame, or one that is skipped. */
const zstdForm = /^(?:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)/;

/** As many bytes as `identify` looks at. */
export const telltaleBytes = 512;

/** gzip and zstd by those names, other formats by theirs with its article; null for what may be text. */
export function identify(bytes: Uint8Array): string | null {
    const text = Buffer.from(bytes.subarray(0, telltaleBytes)).toString("latin1");
    if (gzipForm.test(text)) return "gzip";
    if (zstdForm.test(text)) return "zstd";
    return formats.find(({ form }) => form.test(text))?.name ?? null;
}

const ends: Record<string, string> = { gzip: ".gz", zstd: ".zst" };

/** The fault of a file that is named as CSV, or as CSV that `named` compressed, and is none; null without a fault. */
export function describeMisnamed(
    bytes: Uint8Array,
    path: string,
    named: "gzip" | "zstd" | null,
): { problem: FileProblem; detail: string } | null {
    const found = identify(bytes);
    if (found === named || bytes.length === 0) return null;
    if (named === null) {
        const archivePath = path.replace(/\.\w+$/, ".zip");
        if (found === zip) {
            return {
                problem: "not_csv",
                detail: `It is a zip archive: rename it to ${archivePath}, and what it holds is read.`,
            };
        }
        const detail = ends[found!]
            ? `It is compressed with ${found}, but its name does not say so: rename it to ${path}${ends[found!]}.`
            : `It is ${found}, not CSV: deliver what it holds as CSV.`;
        return { problem: "not_csv", detail };
    }
    const expandedPath = path.replace(/\.\w+$/, "");
    if (found === null) {
        // Damaged, or text: that DecompressionStream tells no more of.
        const isText = bytes.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
        return isText
            ? {
                  problem: "archive_corrupt",
                  detail: `It is not compressed, although its name says so: rename it to ${expandedPath}.`,
              }
            : null;
    }
    const remedy = ends[found] ? `name it ${expandedPath}${ends[found]}` : "deliver what it holds as CSV";
    return { problem: "archive_corrupt", detail: `It is ${found}, not ${named}, as its name says: ${remedy}.` };
}

/** The fault of what a compressed file holds; null without a fault. */
export function describeExpanded(bytes: Uint8Array): { problem: FileProblem; detail: string } | null {
    const found = identify(bytes);
    if (found === null) return null;
    const detail = ends[found]
        ? `It is compressed twice: it holds ${found}.`
        : `It holds ${found}, not CSV: deliver what that holds as CSV.`;
    return { problem: "not_csv", detail };
}
