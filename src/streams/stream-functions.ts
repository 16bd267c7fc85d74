/**
 * The functions of a stream, in its home schema, that callers who know no columns call: how Postgres writes their signatures, and
 * what they do. A test compares them with the catalog.
 */
export const streamFunctions: Record<string, string> = {
    // a merge: sql/engine/merge_batch.sql
    "require_key() returns void": "Raises SL010 unless the table keeps its key unique.",
    "count_records() returns void": "Counts what is staged of each chunk.",
    "prepare_stream_merge() returns void": "Makes the stream's temporary tables, once a session.",
    "validate_records() returns void": "Keeps the keys of what the rules reject; for a file's budget.",
    "insert_or_refuse() returns void":
        "Inserts what is new, keeps apart what is rejected or lost its key to another record.",
    "classify_losers() returns void": "Records whose key was taken become duplicates or conflicts.",
    "reject_records(this_batch_id bigint) returns void": "Writes rejects: what is rejected or refused, and conflicts.",
    "update_rollups() returns void": "Adds what the batch gained to the sums.",

    // a replay: sql/engine/replay_batch.sql
    "stage_rejects(this_load_id bigint) returns void": "Puts the chosen rejects back into staging.",
    "unstage_rejects(this_load_id bigint) returns void": "Takes them out again.",
    "drop_unchanged_rejects(this_load_id bigint, accept_conflicts boolean) returns void":
        "Leaves those whose verdict would be another one today.",
    "drop_still_refused(this_load_id bigint, accept_conflicts boolean) returns void":
        "Leaves out those that the table refuses still.",
    "accept_or_refuse(this_batch_id bigint) returns void": "Puts conflicting records in the place of the stored ones.",
    "ready_rejects(after_reject_id bigint, most integer, OUT ready bigint[], OUT last_reject_id bigint) returns record":
        "Which of the rejects that wait for a parent have theirs now.",
    "count_refused_conflicts(this_batch_id bigint) returns bigint": "How many of them the table refused.",

    // a dry run, a trace, a prune
    "open_try() returns void": "Makes the session's table of tried records.",
    "stage_tried(tried_slice integer) returns void": "Puts those of a slice into staging.",
    "describe_try(no_batch bigint, samples integer) returns jsonb": "What became of them, with a few of each kind.",
    "trace_key(traced_key uuid) returns jsonb": "Every record that claims this key.",
    "trace_file_record(traced_path text, traced_record_no bigint) returns jsonb":
        "The life of that record of every version of a path.",
    "prune_rows(older_than timestamp with time zone, first_page bigint, end_page bigint, wanted_slices integer) returns TABLE(done_slices integer, row_count bigint, kept_chunks bigint[])":
        "Deletes the rows of pruned chunks in these pages.",
    "prune_recent_sums() returns bigint": "Deletes sums that are kept for recent time only.",

    // its tables
    "stored_record(record jsonb) returns jsonb": "The row that a record's key names.",
    "compare_record(record jsonb) returns jsonb": "The same, and in which columns the record says something else.",
    "record_verdicts(record jsonb) returns jsonb": "The reason that the rules have against each of its values today.",
    "replaced_since(asked_record jsonb, since timestamp with time zone) returns bigint":
        "The batch that has put another record in that row's place since.",
    "stream_tables() returns TABLE(table_name text, holds text)":
        "Its tables: those of rows, of sums, and of what the rules ask for.",
    "count_rows() returns bigint": "How many rows there are.",
};
