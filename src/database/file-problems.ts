/** Why a file, or a chunk of one, is failed, skipped or replaced (`problem` in the ledger), and what to do about it. */
const readAgain = "Mend the file: it is read again when it changes.";

/** Null: it needs nobody. docs/data_contract.md says what each means; a test holds the two and the SQL together. */
export const fileProblems = {
    empty_file: "Write a header line, or take the file away.",
    header_unfinished: "The first line has no end yet: finish it.",
    header_too_long: "The first line is no header: put one in.",
    header_unreadable: "Write the header as one line of CSV in UTF-8.",
    header_missing_columns: "Add the missing columns to the header line.",
    header_unnamed_columns:
        'Name every column of the header, or say in sluice.config.ts what to do with the others (ignore: [""]).',
    header_unrecognized: 'Declare header: [ … ] in sluice.config.ts, or header: "first-line" if the first line is one.',
    header_duplicate_columns: "Give each column of the header a name of its own.",
    header_new_columns: readAgain,
    header_changed: readAgain,
    dialect_ambiguous: readAgain,
    archive_truncated: readAgain,
    archive_corrupt: readAgain,
    archive_too_large: readAgain,
    not_csv: "Deliver it as CSV, or name it for what it is; the detail says what that is.",
    file_vanished:
        "Put it back; it is read when it is there again. If it is gone for good: bun run files --forget NAME.",
    file_changed: readAgain,
    file_unreadable: "Let the account that ingests read it.",
    file_name_invalid: readAgain,
    not_a_regular_file: "Put a plain file there, no link and no folder.",
    too_many_rejects: readAgain,
    copy_refused: "Postgres refused its records; look at the detail and mend the file.",
    source_changed:
        "It was changed after it was read. Put the original back, or deliver the new content under a new name.",
    merge_failed: "Report this with the detail: a merge should reject records, not fail.",
    copy: null,
    rewritten: null,
    forgotten: null,
} as const satisfies Record<string, string | null>;

export type FileProblem = keyof typeof fileProblems;

/** For any text that an older program may have left. */
export function remedyFor(problem: string | null): string {
    return fileProblems[problem as FileProblem] ?? readAgain;
}
