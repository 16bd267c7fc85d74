/** What is measured: the files of a scenario, and what is in the table before. */
export interface Scenario {
    name: string;
    about: string;
    files: number;
    recordsPerFile: number;
    /** Flags of `bun run generate`. */
    duplicates: number;
    dirty: number;
    /** Share of records with a time hours to days back; 1 spreads them all. */
    late: number;
    /** Rows in the table before. */
    existingRecords: number;
    mergeWorkers: number | null;
}

const base = {
    files: 1,
    recordsPerFile: 1_000_000,
    duplicates: 0,
    dirty: 0,
    late: 0,
    existingRecords: 0,
    mergeWorkers: null,
};

export const scenarios: readonly Scenario[] = [
    { ...base, name: "one-file", about: "one file into an empty table" },
    { ...base, name: "small-files", about: "10,000 files of 100 records", files: 10_000, recordsPerFile: 100 },
    { ...base, name: "one-worker", about: "one file, one merge worker", mergeWorkers: 1 },
    { ...base, name: "spread-times", about: "one file, times spread over days", late: 1 },
    { ...base, name: "duplicates-1", about: "one file, 1 % of the records repeat an earlier one", duplicates: 0.01 },
    { ...base, name: "duplicates-30", about: "one file, 30 % of the records repeat an earlier one", duplicates: 0.3 },
    { ...base, name: "dirty-5", about: "one file, 5 % of the records are dirty", dirty: 0.05 },
    { ...base, name: "into-20m", about: "one file into 20 million rows", existingRecords: 20_000_000 },
];

/** The same shapes, small enough for a look. */
export function quickly(scenario: Scenario, records: number): Scenario {
    const share = records / (scenario.files * scenario.recordsPerFile);
    return {
        ...scenario,
        files: scenario.files === 1 ? 1 : Math.max(1, Math.round(scenario.files * share)),
        recordsPerFile: scenario.files === 1 ? records : scenario.recordsPerFile,
        existingRecords: Math.round(scenario.existingRecords * share),
    };
}
