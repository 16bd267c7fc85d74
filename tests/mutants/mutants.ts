import { termMutants } from "./term-mutants.ts";

/**
 * Sluice without one of the mechanisms that its promises rest on: what to take out, and the part of the suite that has to
 * notice. Each edit replaces a text that stands exactly once in its file; tests/mutants/mutants.test.ts sees to that.
 */
export interface Mutant {
    /** The mechanism that is taken out. */
    without: string;
    /** Numbers of the promises in docs/guarantees.md that rest on it. */
    promises: number[];
    edits: { file: string; find: string; replace: string }[];
    /** Test files, and which of their tests: a pattern, as `bun test -t` takes it. */
    tests: { files: string[]; pattern?: string };
}

export const mutants: Mutant[] = [
    {
        without: "the staged-count check",
        promises: [5],
        edits: [
            {
                file: "sql/engine/merge_batch.sql",
                find: "where batch_chunks.staged <> batch_chunks.records",
                replace: "where false",
            },
        ],
        tests: { files: ["tests/merge/lost-rows.test.ts"] },
    },
    {
        without: "the load fence",
        promises: [2, 5],
        edits: [
            {
                file: "sql/engine/loads.sql",
                find: "where loads.load_id = fenced_load_id and loads.state = 'loading'",
                replace: "where loads.load_id = fenced_load_id",
            },
        ],
        tests: { files: ["tests/merge/loads.test.ts"] },
    },
    {
        without: "the hash of re-staged bytes",
        promises: [2, 5],
        edits: [
            {
                file: "sql/engine/loads.sql",
                find: `            and chunks.content_hash = again."contentHash"\n`,
                replace: "",
            },
            {
                file: "src/engine/load/load-chunks.ts",
                find: "outcome.contentHash === again.contentHash",
                replace: "true",
            },
            {
                file: "src/engine/load/stage-again.ts",
                find: "if (isAhead && (await hashRange(file, chunk.firstByte, chunk.endByte)) !== chunk.contentHash)",
                replace: "if (isAhead && (await hashRange(file, chunk.firstByte, chunk.endByte)) === null)",
            },
        ],
        tests: {
            files: ["tests/recovery/lost-database.test.ts"],
            pattern: "of other bytes when its staged rows are lost",
        },
    },
    {
        without: "the slice lock",
        promises: [2, 10],
        edits: [{ file: "sql/engine/merge_batch.sql", find: "        for update skip locked\n", replace: "" }],
        tests: { files: ["tests/merge/slices.test.ts"] },
    },
    {
        without: "the count of what was inserted at once",
        promises: [1, 5],
        edits: [
            {
                file: "src/streams/render/insert-records.ts",
                find: "if inserted_rows <> (select sum(batch_chunks.inserted) from batch_chunks) then",
                replace: "if false then",
            },
        ],
        tests: { files: ["tests/streams/insert-at-once.test.ts"], pattern: "missing in staging" },
    },
    {
        without: "the look-ups when an insert at once met a key that was taken",
        promises: [2, 3],
        edits: [
            {
                file: "src/streams/render/insert-records.ts",
                find: "when unique_violation or sqlstate 'SL002' then",
                replace: "when sqlstate 'SL002' then",
            },
        ],
        tests: { files: ["tests/streams/insert-at-once.test.ts"], pattern: "whatever the keys" },
    },
    {
        without: "the conflict comparison",
        promises: [3],
        edits: [
            {
                file: "sql/rendered/events/2_merge.sql",
                find: "            ) as is_conflict\n        from losers",
                replace: "            ) and false as is_conflict\n        from losers",
            },
        ],
        tests: { files: ["tests/merge/duplicates.test.ts"] },
    },
    {
        without: "the checkpoint in the same transaction",
        promises: [2, 4],
        edits: [
            {
                file: "sql/engine/batch.sql",
                find: "        perform ingest.complete_chunks();\n",
                replace: "",
            },
            {
                file: "sql/engine/batch.sql",
                find: "create or replace function ingest.complete_chunks()",
                // The client calls it when it knows of the commit.
                replace: `create or replace function ingest.checkpoint_later(this_batch_id bigint)
returns void
language plpgsql
as $$
begin
    perform ingest.prepare_merge('ingest');
    perform ingest.add_restaged_chunk(chunk_merges.chunk_id, 0, chunk_merges.slices)
    from ingest.chunk_merges
    where chunk_merges.batch_id = this_batch_id;
    perform ingest.complete_chunks();
end
$$;

create or replace function ingest.complete_chunks()`,
            },
            {
                file: "src/engine/merge/merge-batch.ts",
                find: "        return row ?? null;\n    } catch",
                replace: "        if (row) await sql`select ingest.checkpoint_later(".concat(
                    "$",
                    "{row.batchId})`;\n        return row ?? null;\n    } catch",
                ),
            },
        ],
        tests: { files: ["tests/merge/conservation.test.ts"] },
    },
    {
        without: "the re-stage after a crash",
        promises: [5, 8],
        edits: [
            {
                file: "src/engine/load/load-files.ts",
                find: "    if (lost.length > 0) {",
                replace: "    if (lost.length > 1e9) {",
            },
        ],
        tests: {
            files: ["tests/recovery/lost-database.test.ts"],
            pattern: "stages again what was lost.* a backend is killed",
        },
    },
    {
        without: "the bisecting of a poison batch",
        promises: [6],
        edits: [
            {
                file: "src/engine/merge/merge-batch.ts",
                find: "if (!isFaultOfData(error) && !(isSnapshot && refusalOf(error))) throw error;",
                replace: "if (error) throw error;",
            },
        ],
        tests: { files: ["tests/merge/poison.test.ts"] },
    },
    {
        without: "the equation of each chunk",
        promises: [1],
        edits: [
            {
                file: "sql/engine/batch.sql",
                find: `            <> batch_chunks.inserted + batch_chunks.updated + batch_chunks.duplicate + batch_chunks.superseded
            + batch_chunks.deleted + batch_chunks.conflict + batch_chunks.rejected`,
                replace: "            < 0",
            },
        ],
        tests: { files: ["tests/merge/conservation.test.ts"] },
    },
    {
        without: "the range where chunks of other streams lie between",
        promises: [7],
        edits: [{ file: "sql/engine/batch.sql", find: "chunks.stream_id <> first_chunk.stream_id", replace: "false" }],
        tests: { files: ["tests/merge/streams.test.ts"], pattern: "the batch is a range" },
    },
    {
        without: "the numbers of no chunk in the range of chunks",
        promises: [2],
        edits: [
            {
                file: "sql/engine/batch.sql",
                find: "return missing_ids = 0 or missing_ids <= 64 * chosen.chunks and missing_ids = (",
                replace: "return missing_ids >= (",
            },
        ],
        tests: { files: ["tests/merge/streams.test.ts"], pattern: "the batch is a range" },
    },
    {
        without: "the stream of a chunk that holds back",
        promises: [10],
        edits: [
            {
                file: "sql/engine/merge_batch.sql",
                find: "                chunks.stream_id = this_stream\n                and (chunks.state = 'staged'",
                replace: "                (chunks.state = 'staged'",
            },
        ],
        tests: { files: ["tests/merge/streams.test.ts"] },
    },
    {
        without: "the load in the range of chunks",
        promises: [2, 5],
        edits: [
            {
                file: "sql/rendered/events/2_merge.sql",
                find: "\n                    and staging.load_id = any(scan.load_ids)",
                replace: "",
            },
        ],
        tests: { files: ["tests/merge/lost-rows.test.ts"] },
    },
    {
        without: "the join where rows were lost",
        promises: [5],
        edits: [
            {
                file: "sql/rendered/events/2_merge.sql",
                find: "        and not bool_or(batch_chunks.is_padded or batch_chunks.has_extras or batch_chunks.is_verified),\n",
                replace: "        and not bool_or(batch_chunks.is_padded or batch_chunks.has_extras),\n",
            },
        ],
        tests: { files: ["tests/merge/lost-rows.test.ts"] },
    },
    {
        without: "the right second of a plain time",
        promises: [1],
        edits: [
            {
                file: "src/streams/types/timestamptz.ts",
                find: "twoDigits(bytes, at + 8) - 1;",
                replace: "twoDigits(bytes, at + 8);",
            },
        ],
        tests: { files: ["tests/ingest/is-plain.test.ts"] },
    },
    {
        without: "the rejects in a snapshot's limit",
        promises: [3],
        edits: [
            {
                file: "sql/engine/snapshot.sql",
                find: `sum(batch_chunks.conflict + batch_chunks.rejected)`,
                replace: `sum(batch_chunks.conflict)`,
            },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "beyond maxRejects" },
    },
    {
        without: "the conflicts in a snapshot's limit",
        promises: [3],
        edits: [
            {
                file: "sql/engine/snapshot.sql",
                find: `sum(batch_chunks.conflict + batch_chunks.rejected)`,
                replace: `sum(batch_chunks.rejected)`,
            },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "conflicts count" },
    },
    {
        without: "the limit of removed rows",
        promises: [3],
        edits: [
            { file: "sql/engine/snapshot.sql", find: `and not ingest.may_remove() then`, replace: `and false then` },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "maxRemoved" },
    },
    {
        without: "the version that may remove rows",
        promises: [3],
        edits: [
            {
                file: "sql/engine/snapshot.sql",
                find: `files.removal_allowed_as = ingest.print_of(files)`,
                replace: `files.removal_allowed_as is not null`,
            },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "maxRemoved" },
    },
    {
        without: "the order of a snapshot's writes",
        promises: [6],
        edits: [
            {
                file: "src/streams/render/snapshot-records.ts",
                find: `(select count(*) from removed_rows) >= 0
            and `,
                replace: ``,
            },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "may go from a row" },
    },
    {
        without: "the turn of a snapshot that is read again",
        promises: [10],
        edits: [
            {
                file: "sql/engine/snapshot.sql",
                find: "files.state = 'pending' and files.attempts > 0 and files.problem is null",
                replace: "false",
            },
        ],
        tests: { files: ["tests/streams/snapshot-mergers.test.ts"], pattern: "keeps its turn" },
    },
    {
        without: "the one snapshot at a time",
        promises: [10],
        edits: [
            {
                file: "sql/engine/snapshot.sql",
                find: `                and next_file.file_id < applied.file_id
`,
                replace: `                and false
`,
            },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "superseded by it" },
    },
    {
        without: "the rejects of replaced snapshots left alone",
        promises: [2],
        edits: [
            {
                file: "sql/engine/snapshot.sql",
                find: `return latest is null or exists (`,
                replace: `return true or exists (`,
            },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "that a later snapshot replaced" },
    },
    {
        without: "the whole reading of a grown snapshot",
        promises: [2],
        edits: [
            {
                file: "src/engine/load/prepare-file.ts",
                find: `if (isSnapshot(loader) && !isSameSize) {`,
                replace: `if (false) {`,
            },
        ],
        tests: { files: ["tests/streams/snapshot.test.ts"], pattern: "never its tail alone" },
    },
    ...[
        [
            "the order of versions",
            "upsert-records.ts",
            "< stored_version then 'superseded'",
            "< stored_version and false then 'superseded'",
            "by version: the higher wins",
        ],
        [
            "conflicts at one version",
            "upsert-records.ts",
            "case when says_other then 'conflict' else 'duplicate' end\nelse 'updated'",
            "'duplicate'\nelse 'updated'",
            "by version: the higher wins",
        ],
        [
            "tombstones",
            "upsert-records.ts",
            " then 'superseded'\nwhen not has_row and",
            " and false then 'superseded'\nwhen not has_row and",
            "a deletion takes the row away",
        ],
        [
            "chunks that come too late",
            "upsert-records.ts",
            "when has_row and is_late then case when is_deletion or says_other then 'conflict' else 'duplicate' end",
            "",
            "a replayed record cannot know",
        ],
        [
            "the records of a key in their order",
            "upsert-follow.ts",
            "< state_version then 'superseded'",
            "< state_version and false then 'superseded'",
            "by version, in one batch",
        ],
    ].map(
        ([without, file, find, replace, pattern]): Mutant => ({
            without: `upsert: ${without}`,
            promises: [1, 10],
            edits: [{ file: `src/streams/render/${file}`, find: find!, replace: replace! }],
            tests: { files: ["tests/streams/upsert.test.ts"], pattern: pattern! },
        }),
    ),
    ...termMutants,
    ...[
        [
            "the count of inserted rows",
            "src/streams/render/append-records.ts",
            "get diagnostics inserted_rows = row_count;",
            "inserted_rows := expected;",
            "a row that a trigger leaves out",
        ],
        [
            "the count of rejected records",
            "src/streams/render/append-records.ts",
            "set inserted = batch_chunks.read - rejected_counts.rejected",
            "set inserted = batch_chunks.read, rejected = 0",
            "equal ones in a file",
        ],
        [
            "the count of what was read",
            "src/streams/render/append-records.ts",
            "if inserted_rows = (select sum(batch_chunks.inserted) from batch_chunks) then",
            "if true then",
            "a row that a trigger leaves out",
        ],
        [
            "slices by number",
            "src/engine/stage/stage-records.ts",
            "const slice = place.isSlicedByNumber ? recordNo % sliceCount : (sliceInAll ?? slices[index]!);",
            "const slice = sliceInAll ?? slices[index]!;",
            "the number of a record decides",
        ],
        [
            "the reading behind a tail whose line has ended",
            "src/engine/load/prepare-file.ts",
            "return next === LF || isReturn ? { ...behind, loadedLines: loadedLines - 1 } : ledgerFile;",
            "return ledgerFile;",
            "not read again when a line feed comes",
        ],
        [
            "the reject of a tail that went on",
            "src/engine/load/prepare-file.ts",
            "part.takenTo = await takenBefore(loader.sql, ledgerFile.fileId, part.firstRecordNo);",
            "part.takenTo = 0;",
            "whose last record goes on",
        ],
        [
            "the same reject in the chunks behind it",
            "src/engine/load/load-large-file.ts",
            "takenTo: part.takenTo",
            "takenTo: 0",
            "read again in several chunks",
        ],
        [
            "the slices of a chunk that is half merged",
            "src/engine/stage/stage-parts.ts",
            'stream.mode.name === "append" ? again?.sliceRecords : null',
            "null",
            "half merged",
        ],
        [
            "the same reject when its rows were lost",
            "src/engine/load/stage-again.ts",
            'stream.mode.name === "append" ? chunk.takenTo : 0',
            "0",
            "lost its staged rows",
        ],
        [
            "the refusal of a rewritten file",
            "src/engine/discover/recheck-files.ts",
            'stream.mode.rewritten === "again"',
            "stream.mode.rewritten !== null",
            "shorter is refused",
        ],
        [
            "the comparison of a refused file at its next try",
            "src/engine/load/prepare-file.ts",
            "(!isAppend(loader) || (seen.ctimeNs ?? null) === ledgerFile.comparedCtimeNs)",
            "true",
            "is refused, whenever",
        ],
        [
            "the files that a prune leaves",
            "sql/engine/prune.sql",
            "where streams.stream_id = file.stream_id and streams.mode = 'append'",
            "where false",
            "after a prune",
        ],
    ].map(
        ([without, file, find, replace, pattern]): Mutant => ({
            without: `append: ${without}`,
            promises: [1, 2],
            edits: [{ file: file!, find: find!, replace: replace! }],
            tests: { files: ["tests/streams/append.test.ts"], pattern: pattern! },
        }),
    ),
];

/** The text with the edits in it. Throws when one does not fit any more: then the code has moved, and the mutant must follow. */
export function applyEdit(text: string, { file, find, replace }: Mutant["edits"][number]): string {
    const found = text.split(find).length - 1;
    if (found !== 1) throw new Error(`${file} has this text ${found} times, not once: ${find}`);
    return text.replace(find, () => replace);
}
