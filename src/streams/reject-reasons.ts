import type { Stream } from "./stream.ts";

/** Why a record is rejected that cannot be split into values, or that the table refuses. */
export const reasonsOfAnyStream: readonly string[] = [
    "too_few_fields",
    "too_many_fields",
    "unnamed_value",
    "stray_quote",
    "unclosed_quote",
    "stray_carriage_return",
    "nul_byte",
    "invalid_utf8",
    "record_too_long",
    "header_repeated",
    "refused_by_table",
];

/** Where two records of a key meet, or, in a stream without one, where a record is met again. `conflictCode`: null without a key. */
export const reasonsOfKey = (conflictCode: string | null): readonly string[] => [conflictCode ?? "tail_continued"];

/** Of a stream whose files' folders have values. */
export const reasonsOfPath = (source: Stream["source"]): readonly string[] =>
    source?.partitions === undefined ? [] : ["partition_differs"];

/** Every reason that a reject can have, as docs/data_contract.md explains them; a test holds the two and the rules together. */
export function rejectReasonsOf({ columns, key, source }: Stream): string[] {
    const reasonsOfValues = columns.flatMap(({ name, reasons }) => reasons.map((reason) => `${name}_${reason}`));
    const ofKey = reasonsOfKey(key === null ? null : `${key.name}_conflict`);
    return [...reasonsOfValues, ...reasonsOfAnyStream, ...reasonsOfPath(source), ...ofKey];
}
