/** Why a file, or a chunk of one, is failed, skipped or replaced (`problem` in the ledger), and what to do about it. */
import { commandHere } from "../environment.ts";

const readAgain = "Correct the file: it is read again when it changes.";

/** Null: it needs nobody. docs/data_contract.md says what each means; a test holds the two and the SQL together. */
export const fileProblems = {
    empty_file: "Add a header line, or remove the file.",
    header_unfinished: "The first line is not complete yet: finish it.",
    header_too_long: "Check that it is CSV. If the first line is its header, raise --max-record-bytes.",
    header_unreadable: "Correct the first line, or declare in sluice.config.ts what the detail suggests.",
    header_missing_columns:
        "Add the missing columns to the header line, or map their names in sluice.config.ts (aliases).",
    header_unnamed_columns:
        'Name every column of the header, or say in sluice.config.ts what to do with the others (ignore: [""]).',
    header_unrecognized: 'Declare header: [ … ] in sluice.config.ts, or header: "first-line" if the first line is one.',
    stream_ambiguous: "Change `files` of one of the streams that the detail names, so that only one of them matches.",
    partition_missing:
        "Put the file into the folder that the detail names, or change `partitions` in the stream's file.",
    partition_ambiguous: "Move the file: its path must give the column one value.",
    header_duplicate_columns: "Give each column of the header a unique name, in the file or by aliases.",
    header_new_columns: "Add the columns to sluice.config.ts (aliases, ignore), or let it keep new ones (newColumns).",
    header_changed: "Split the file before the other header, so that each part has its own.",
    dialect_ambiguous: "Declare in sluice.config.ts which of the readings is meant.",
    archive_truncated: readAgain,
    archive_corrupt: readAgain,
    archive_too_large: `If you trust it, raise the limit that the detail names, then: ${commandHere("retry")} --file NAME.`,
    not_csv: "Deliver it as CSV, or correct its name; the detail says what it is.",
    file_vanished: `Put it back, and it will be read. If it is gone for good: ${commandHere("files")} --forget NAME.`,
    file_changed: readAgain,
    file_unreadable: "Allow the account that runs the ingest to read it.",
    file_name_invalid: "Rename it.",
    not_a_regular_file: "Put a regular file there, not a link or a folder.",
    too_many_rejects: `Correct the file, or raise --max-rejects (of a snapshot maxRejects in its stream's file), then: ${commandHere("retry")} --file NAME.`,
    snapshot_empty: "Deliver the whole table. To empty it, delete its rows yourself.",
    snapshot_removes_too_much: `If so many rows are to go: ${commandHere("retry")} --file NAME --allow-removal. Else deliver the whole table, or raise maxRemoved in the stream's file.`,
    snapshot_row_referenced: `Delete the rows that name it first, or keep it in the file; then: ${commandHere("retry")} --file NAME.`,
    snapshot_row_kept: `See to the table's triggers; then: ${commandHere("retry")} --file NAME.`,
    copy_refused: "Postgres refused its records; look at the detail and correct the file.",
    source_changed:
        "It was changed after it was read. Put the original back, or deliver the new content under a new name.",
    merge_failed: "Report this with the detail: a merge should reject records, not fail.",
    rewritten_append: `Put the content back that was read, and deliver new records under another name. If a rewritten file is a new delivery: rewritten: "again" in the stream's file, then: ${commandHere("retry")} --file NAME.`,
    copy: null,
    superseded: null,
    rewritten: null,
    forgotten: null,
} as const satisfies Record<string, string | null>;

export type FileProblem = keyof typeof fileProblems;

/** For any text that an older program may have left. */
export function remedyFor(problem: string | null): string {
    return fileProblems[problem as FileProblem] ?? readAgain;
}
