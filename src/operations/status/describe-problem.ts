/** What to do about a file that failed, by the code of its problem. Pure. */
const remedies: Record<string, string> = {
    copy_refused: "Postgres refused its records; look at the detail and mend the file.",
    empty_file: "Write a header line, or take the file away.",
    file_unreadable: "Let the account that ingests read it.",
    file_vanished:
        "Put it back; it is read when it is there again. If it is gone for good: bun run files --forget NAME.",
    header_duplicate_columns: "Give each column of the header a name of its own.",
    header_missing_columns: "Add the missing columns to the header line.",
    header_too_long: "The first line is no header: put one in.",
    header_unfinished: "The first line has no end yet: finish it.",
    header_unnamed_columns:
        'Name every column of the header, or say in sluice.config.ts what to do with the others (ignore: [""]).',
    header_unrecognized: 'Declare header: [ … ] in sluice.config.ts, or header: "first-line" if the first line is one.',
    header_unreadable: "Write the header as one line of CSV in UTF-8.",
    merge_failed: "Report this with the detail: a merge should reject records, not fail.",
    not_a_regular_file: "Put a plain file there, no link and no folder.",
    not_csv: "Deliver it as CSV, or name it for what it is; the detail says what that is.",
    source_changed:
        "It was changed after it was read. Put the original back, or deliver the new content under a new name.",
};

export function remedyFor(problem: string | null): string {
    return (problem === null ? undefined : remedies[problem]) ?? "Mend the file: it is read again when it changes.";
}
