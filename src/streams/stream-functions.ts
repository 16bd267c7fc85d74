/** What the engine, and whoever else knows no columns, calls of a stream: its functions in the database. A test compares them with the catalog. */
export interface StreamFunction {
    arguments: string;
    returns: string;
    /** What it does. */
    does: string;
}

export const streamFunctions = {
    // a merge: sql/engine/merge_batch.sql
    require_key: { arguments: "", returns: "void", does: "Raises SL010 unless the table keeps its key unique." },
    prepare_stream_merge: {
        arguments: "",
        returns: "void",
        does: "Makes the stream's temporary tables, once a session.",
    },
    validate_records: {
        arguments: "",
        returns: "void",
        does: "Keeps the keys of what the rules reject; for a file's budget.",
    },
    insert_or_refuse: {
        arguments: "",
        returns: "void",
        does: "Inserts what is new, keeps apart what is rejected or lost its key to another record.",
    },
    classify_losers: {
        arguments: "",
        returns: "void",
        does: "Records whose key was taken become duplicates or conflicts.",
    },
    reject_records: {
        arguments: "this_batch_id bigint",
        returns: "void",
        does: "Writes rejects: what is rejected or refused, and conflicts.",
    },
    update_rollups: {
        arguments: "",
        returns: "void",
        does: "Adds what the batch gained to the sums.",
    },

    // a replay: sql/engine/replay_batch.sql
    stage_rejects: {
        arguments: "this_load_id bigint",
        returns: "void",
        does: "Puts the chosen rejects back into staging.",
    },
    drop_unchanged_rejects: {
        arguments: "this_load_id bigint, accept_conflicts boolean",
        returns: "void",
        does: "Leaves those whose verdict would be another one today.",
    },
    drop_still_refused: {
        arguments: "this_load_id bigint, accept_conflicts boolean",
        returns: "void",
        does: "Leaves out those that the table refuses still.",
    },
    accept_or_refuse: {
        arguments: "this_batch_id bigint",
        returns: "void",
        does: "Puts conflicting records in the place of the stored ones.",
    },
    count_refused_conflicts: {
        arguments: "this_batch_id bigint",
        returns: "bigint",
        does: "How many of them the table refused.",
    },

    // a dry run, a trace, a prune
    raw_record: {
        arguments: "staged ingest.staging, extra_columns text[]",
        returns: "jsonb",
        does: "A staged record's values by column, as a reject keeps them.",
    },
    stored_record: {
        arguments: "record jsonb",
        returns: "jsonb",
        does: "What is stored under a record's key, in that form.",
    },
    trace_key: { arguments: "traced_key uuid", returns: "jsonb", does: "Every record that claims this key." },
    trace_file_record: {
        arguments: "traced_path text, traced_record_no bigint",
        returns: "jsonb",
        does: "The life of that record of every version of a path.",
    },
    prune_rows: {
        arguments: "older_than timestamp with time zone, first_page bigint, end_page bigint, wanted_slices integer",
        returns: "TABLE(done_slices integer, row_count bigint, kept_chunks bigint[])",
        does: "Deletes the rows of pruned chunks in these pages.",
    },
    prune_recent_sums: { arguments: "", returns: "bigint", does: "Deletes sums that are kept for recent time only." },

    // its tables
    stream_tables: {
        arguments: "",
        returns: "TABLE(table_name text, holds text)",
        does: "Its tables: those of rows, of sums, and of what the rules ask for.",
    },
    count_rows: { arguments: "", returns: "bigint", does: "How many rows there are." },
} as const satisfies Record<string, StreamFunction>;
