/** The scenarios: their files, and the rows that the table has before. */
import type { BenchTableName } from "./bench-tables.ts";

export interface Scenario {
    name: string;
    table: BenchTableName;
    about: string;
    files: number;
    recordsPerFile: number;
    /** Share of the records that repeat an earlier one, exactly. */
    duplicates: number;
    /** How far back a duplicate reaches: the latest few thousand records, or any of the file. */
    duplicatesReach: "near" | "far";
    /** Share of the records that the rules reject. */
    dirty: number;
    /** Time-ordered within the latest hour, as a stream delivers them, or at random within 30 days. */
    times: "ordered" | "random";
    /** Of entries: as a sequence gives them, or in no order. Those of events have none. */
    keys: "rising" | "shuffled";
    /** Rows in the table before. */
    existingRecords: number;
    /** Null: as many as Sluice chooses. */
    mergeWorkers: number | null;
    /** A run of Sluice with --defer-indexes takes its turn, too. */
    isDeferred: boolean;
    /** The file is a snapshot of the table, of which this share of the rows has changed. Null: it is an addition. */
    changed: number | null;
}

const base = {
    table: "events",
    files: 1,
    recordsPerFile: 1_000_000,
    duplicates: 0,
    duplicatesReach: "near",
    dirty: 0,
    times: "ordered",
    keys: "rising",
    existingRecords: 0,
    mergeWorkers: null,
    isDeferred: false,
    changed: null,
} as const;

export const scenarios: readonly Scenario[] = [
    { ...base, name: "one-file", about: "one file" },
    { ...base, name: "small-files", about: "files of 100 records", files: 10_000, recordsPerFile: 100 },
    { ...base, name: "one-worker", about: "one file, one merge worker", mergeWorkers: 1 },
    { ...base, name: "random-times", about: "one file, times at random within 30 days", times: "random" },
    {
        ...base,
        name: "repeats-2",
        about: "one file, 2 % of the records repeat one from anywhere before",
        duplicates: 0.02,
        duplicatesReach: "far",
    },
    { ...base, name: "duplicates-1", about: "one file, 1 % of the records repeat a recent one", duplicates: 0.01 },
    { ...base, name: "duplicates-30", about: "one file, 30 % of the records repeat a recent one", duplicates: 0.3 },
    { ...base, name: "dirty-5", about: "one file, 5 % of the records are rejected", dirty: 0.05 },
    {
        ...base,
        name: "own-table",
        about: "one file into a table of ten columns by --table: a bigint key and one more index",
        table: "entries",
    },
    {
        ...base,
        name: "own-table-shuffled",
        about: "the same with its ids in no order",
        table: "entries",
        keys: "shuffled",
    },
    {
        ...base,
        name: "defer-indexes",
        about: "one file into the empty table, also with --defer-indexes",
        isDeferred: true,
    },
    {
        ...base,
        name: "own-table-defer-indexes",
        about: "the same, of ten columns, by --table with four indexes",
        table: "indexedEntries",
        isDeferred: true,
    },
    {
        ...base,
        name: "snapshot",
        about: "one file that is the whole of a table of ten columns, of which 2 % of the rows have changed",
        table: "entries",
        changed: 0.02,
    },
    {
        ...base,
        name: "snapshot-indexed",
        about: "the same, of a table with three indexes more, so as many as events has",
        table: "indexedEntries",
        changed: 0.02,
    },
    { ...base, name: "into-20m", about: "one file into 20 million rows", existingRecords: 20_000_000 },
    {
        ...base,
        name: "small-files-into-20m",
        about: "files of 100 records into 20 million rows",
        files: 10_000,
        recordsPerFile: 100,
        existingRecords: 20_000_000,
    },
];

/** The same shape with so many records in place of a million; what is in the table before shrinks alike. */
export function resized(scenario: Scenario, records: number): Scenario {
    const share = records / (scenario.files * scenario.recordsPerFile);
    return {
        ...scenario,
        files: scenario.files === 1 ? 1 : Math.max(1, Math.round(scenario.files * share)),
        recordsPerFile: scenario.files === 1 ? records : scenario.recordsPerFile,
        existingRecords: Math.round(scenario.existingRecords * Math.min(1, share)),
    };
}
