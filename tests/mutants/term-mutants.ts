/**
 * Each term of each equation, once not counted and, where that is one edit, once counted as another: then what was read still adds
 * up, and only a test that knows how many it were can notice.
 */
import type { Mutant } from "./mutants.ts";

const templates = "src/streams/render";
const insertTests = { files: ["tests/merge/conservation.test.ts"], pattern: "adds up, for the batch" };
const upsertTests = (pattern: string) => ({ files: ["tests/streams/upsert.test.ts"], pattern });
const snapshotTests = (pattern: string) => ({ files: ["tests/streams/snapshot.test.ts"], pattern });
const byVersion = upsertTests("by version: the higher wins");
const inOneBatch = upsertTests("by version, in one batch");
const deletion = upsertTests("a deletion takes the row away");
const wholeTable = snapshotTests("inserts what is new, updates what differs");
const repeatedKey = snapshotTests("of a key that comes again the first counts");

/** What is not counted, in which equation; the file, its text and what takes its place; the tests. */
type Term = [what: string, file: string, find: string, replace: string, tests: Mutant["tests"]];

const mergeOfEvents = "sql/rendered/events/2_merge.sql";
const reject = "set conflict = reject_counts.conflict, rejected = reject_counts.rejected";
/** Tells it from the insert into a table that Citus distributes. */
const restOfInsert = `
        from inserted_counts
        where batch_chunks.chunk_id = inserted_counts.chunk_id
    ),
    missing_records as materialized (
        select staged.*
        from ingest.staged_values`;
const ofInserts: Term[] = [
    [
        "inserted",
        mergeOfEvents,
        `set inserted = inserted_counts.inserted${restOfInsert}`,
        `set inserted = 0${restOfInsert}`,
        insertTests,
    ],
    [
        "duplicate",
        mergeOfEvents,
        "set duplicate = batch_chunks.duplicate + duplicate_counts.duplicate",
        "set duplicate = 0",
        insertTests,
    ],
    [
        "duplicate, counted as inserted",
        mergeOfEvents,
        "set duplicate = batch_chunks.duplicate + duplicate_counts.duplicate",
        "set inserted = batch_chunks.inserted + duplicate_counts.duplicate",
        insertTests,
    ],
    ["conflict", mergeOfEvents, reject, "set rejected = reject_counts.rejected", insertTests],
    ["rejected", mergeOfEvents, reject, "set conflict = reject_counts.conflict", insertTests],
    [
        "rejected, counted as conflict",
        mergeOfEvents,
        reject,
        "set conflict = reject_counts.conflict + reject_counts.rejected",
        insertTests,
    ],
];

const upsert = `${templates}/upsert-records.ts`;
const follow = `${templates}/upsert-follow.ts`;
const classify = `${templates}/classify-records.ts`;
const ofUpserts: Term[] = [
    ["inserted", upsert, "inserted = batch_chunks.inserted + counted.inserted,", "displaced = 0,", byVersion],
    [
        "inserted, of a key that comes twice",
        upsert,
        "set inserted = batch_chunks.inserted + inserted_counts.inserted",
        "set displaced = 0",
        inOneBatch,
    ],
    ["updated", upsert, "updated = batch_chunks.updated + written_counts.updated,", "", byVersion],
    [
        "updated, counted as inserted",
        upsert,
        "updated = batch_chunks.updated + written_counts.updated,",
        "inserted = batch_chunks.inserted + written_counts.updated,",
        byVersion,
    ],
    ["deleted", upsert, "deleted = batch_chunks.deleted + written_counts.deleted", "displaced = 0", deletion],
    ["duplicate", upsert, "duplicate = batch_chunks.duplicate + counted.duplicate,", "", byVersion],
    [
        "duplicate, of a key that comes twice",
        follow,
        "duplicate = batch_chunks.duplicate + counted.duplicate,",
        "",
        inOneBatch,
    ],
    ["superseded", upsert, "superseded = batch_chunks.superseded + counted.superseded", "superseded = 0", byVersion],
    [
        "superseded, of a key that comes twice",
        follow,
        "superseded = batch_chunks.superseded + counted.superseded",
        "superseded = 0",
        inOneBatch,
    ],
    [
        "superseded, counted as duplicate",
        upsert,
        "superseded = batch_chunks.superseded + counted.superseded",
        "duplicate = batch_chunks.duplicate + counted.duplicate + counted.superseded",
        byVersion,
    ],
    ["conflict", classify, reject, "set rejected = reject_counts.rejected", byVersion],
    ["rejected", classify, reject, "set conflict = reject_counts.conflict", byVersion],
];

const snapshot = `${templates}/snapshot-records.ts`;
const engine = "sql/engine/snapshot.sql";
const ofSnapshots: Term[] = [
    [
        "inserted",
        snapshot,
        "select inserted_rows.chunk_id, 0, 0, 1 from inserted_rows",
        "select inserted_rows.chunk_id, 0, 0, 1 from inserted_rows where false",
        wholeTable,
    ],
    [
        "updated",
        snapshot,
        "select updated_rows.chunk_id, 0, 1, 0 from updated_rows",
        "select updated_rows.chunk_id, 0, 1, 0 from updated_rows where false",
        wholeTable,
    ],
    [
        "updated, counted as inserted",
        snapshot,
        "select updated_rows.chunk_id, 0, 1, 0 from updated_rows",
        "select updated_rows.chunk_id, 0, 0, 1 from updated_rows",
        wholeTable,
    ],
    ["unchanged", snapshot, "from fates where fates.fate = 's'\n", "from fates where false\n", wholeTable],
    [
        "that a file is clean",
        snapshot,
        "<> (answer ->> 'kept')::bigint + (answer ->> 'missing')::bigint then",
        "is null then",
        { files: ["tests/streams/typed-snapshot.test.ts"], pattern: "repeats the key of a row that stays" },
    ],
    [
        "duplicate",
        classify,
        "set duplicate = batch_chunks.duplicate + duplicate_counts.duplicate",
        "set duplicate = 0",
        repeatedKey,
    ],
    ["conflict", classify, reject, "set rejected = reject_counts.rejected", repeatedKey],
    [
        "rejected",
        classify,
        reject,
        "set conflict = reject_counts.conflict",
        snapshotTests("have rejects beyond maxRejects"),
    ],
    ["removed", engine, "set removed = (applied ->> 'removed')::bigint", "set removed = 0", wholeTable],
    ["rows after", engine, "return (applied ->> 'rows')::bigint;", "return 0;", wholeTable],
];

const mutantsOf = (equation: string, terms: Term[]): Mutant[] =>
    terms.map(([what, file, find, replace, tests]) => ({
        without: `the equation of ${equation}: ${what}`,
        promises: [1],
        edits: [{ file, find, replace }],
        tests,
    }));

export const termMutants: readonly Mutant[] = [
    ...mutantsOf("an insert", ofInserts),
    ...mutantsOf("an upsert", ofUpserts),
    ...mutantsOf("a snapshot", ofSnapshots),
];
