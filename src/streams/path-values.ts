/** Values of columns that stand in a file's folders: `day=2026-05-01/`, as Hive and Spark write them. Pure. */
import type { SourceConfig } from "./source-config.ts";

/** By name of a column; null: `__HIVE_DEFAULT_PARTITION__`. */
export type PathValues = Readonly<Record<string, string | null>>;

export interface PathFault {
    problem: "partition_missing" | "partition_ambiguous";
    detail: string;
}

type Found<Value> = { found: Value } | { fault: PathFault };

/** `day=2026-05-01`: a folder that has a value. */
export function readFolder(folder: string): { name: string; value: string } | null {
    const at = folder.indexOf("=");
    // An archive is no folder; those in it are.
    return at > 0 && !/\.zip!$/i.test(folder)
        ? { name: decode(folder.slice(0, at)), value: folder.slice(at + 1) }
        : null;
}

const noValue = "__HIVE_DEFAULT_PARTITION__";

/** Names are compared without regard to case. */
export function readPathValues(columns: readonly string[], path: string): Found<PathValues> {
    const folders = path
        .split("/")
        .slice(0, -1)
        .flatMap((folder) => readFolder(folder) ?? []);
    const values: Record<string, string | null> = {};
    for (const column of columns) {
        const written = folders
            .filter(({ name }) => name.toLowerCase() === column.toLowerCase())
            .map(({ value }) => decode(value));
        const [value] = written;
        if (value === undefined) {
            const detail =
                `${path} has no folder ${column}=…/, which gives the column ${column} its value (partitions). Put the file into ` +
                "one, or narrow `files` to those that are.";
            return { fault: { problem: "partition_missing", detail } };
        }
        if (written.some((other) => other !== value)) {
            const detail = `${path} has several folders ${column}=…/ with different values (partitions). Leave one of them.`;
            return { fault: { problem: "partition_ambiguous", detail } };
        }
        values[column] = value === noValue ? null : value;
    }
    return { found: values };
}

/** What is no escape of UTF-8, or would be a NUL, stays as it is written. */
function decode(text: string): string {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
        try {
            const decoded = decodeURIComponent(escapes);
            return decoded.includes("\0") ? escapes : decoded;
        } catch {
            return escapes;
        }
    });
}

/** The same object for the same source and values: what is made of it once is kept. */
const known = new WeakMap<SourceConfig, Map<string, SourceConfig>>();
const mostKnown = 1_000;

/** The source as a file of this path is read by it: with the values of its folders. */
export function withPathValues(source: SourceConfig, path: string): Found<SourceConfig> {
    if (source.partitions === undefined) return { found: source };
    const values = readPathValues(source.partitions, path);
    if ("fault" in values) return values;
    const pathValues = values.found;
    const ofSource = known.get(source) ?? new Map<string, SourceConfig>();
    known.set(source, ofSource);
    const key = JSON.stringify(pathValues);
    const before = ofSource.get(key);
    if (before !== undefined) return { found: before };
    const read = { ...source, pathValues };
    if (ofSource.size >= mostKnown) ofSource.clear();
    ofSource.set(key, read);
    return { found: read };
}
