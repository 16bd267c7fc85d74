/** The stream's part of a prune (sql/engine/prune.sql): the rows of pruned chunks, and the sums that lose them. */
import { list, sql } from "./sql-text.ts";
import { keyList, keyName, type MadeTable, rowOf, type StreamSql } from "./stream-sql.ts";

/** Rows of a table that Sluice did not make are not its to delete: a prune takes what the ledger keeps of them. */
export const renderPrune = (stream: StreamSql): string =>
    stream.made === null ? pruneNoRows : pruneRows(stream, stream.made);

const pruneNoRows = `
create or replace function ingest.prune_rows(
    older_than timestamptz,
    first_page bigint,
    end_page bigint,
    wanted_slices integer
)
returns table (done_slices integer, row_count bigint, kept_chunks bigint[])
language sql
immutable
return (wanted_slices, 0::bigint, '{}'::bigint[]);

create or replace function ingest.prune_recent_sums()
returns bigint
language sql
immutable
return 0;
`;

const pruneRows = (stream: StreamSql, made: MadeTable): string => sql`
-- Deletes the rows of pruned chunks that lie in these pages of the table and in whichever of the wanted slices it gets:
-- it waits for the lowest of them, holding nothing, and takes what else is free. So no merge that runs is waited for with
-- slices in hand, and what merges wait for is the deletion alone. \`done_slices\` are those that need not be asked for again.
--
-- It goes by pages, in the order in which they lie on disk, because no index tells where an event came from: that would
-- cost every insert. What is read is the table, once a prune.
--
-- Three things stay. A row that a kept conflict contradicts: the two are only of use together (promise 3). One that is
-- younger than its chunk, since a replay let it in. And one that somebody else has locked. \`kept_chunks\` are theirs.
create or replace function ingest.prune_rows(
    older_than timestamptz,
    first_page bigint,
    end_page bigint,
    wanted_slices integer
)
returns table (done_slices integer, row_count bigint, kept_chunks bigint[])
language plpgsql
set plan_cache_mode = 'force_custom_plan'
set work_mem = '128MB'
set jit = off
set timezone = 'UTC'
as $$
declare
    first_place constant tid := format('(%s,0)', first_page)::tid;
    end_place constant tid := format('(%s,0)', end_page)::tid;
    pruned_chunks constant bigint[] := array(
        select chunks.chunk_id
        from ingest.chunks
        where
            chunks.pruned_at is not null
            and chunks.chunk_id = any(array(
                select distinct ${rowOf(stream)}.chunk_id
                from ${stream.table}
                where ${rowOf(stream)}.ctid >= first_place and ${rowOf(stream)}.ctid < end_place
            ))
    );
    doomed_places tid[];
    gain_facts constant ${made.rollups.facts} := ${made.rollups.facts}();
begin
    perform ingest.hold_prune_lock();
    perform ingest.prepare_merge('ingest');
    kept_chunks := '{}';
    row_count := 0;
    if cardinality(pruned_chunks) = 0 then
        done_slices := wanted_slices;
        return next;
        return;
    end if;

    perform
    from ingest.slices
    where
        slices.stream_id = ${stream.streamId}
        and (1 << slices.slice_no) = wanted_slices & -wanted_slices
    for update;
    done_slices := ingest.lock_slices(${stream.streamId}::smallint, wanted_slices);

    doomed_places := ingest.lock_prunable_rows(first_place, end_place, pruned_chunks, older_than, done_slices);
    with removed_rows as (
        delete from ${stream.table}
        where ${rowOf(stream)}.ctid = any(doomed_places)
        returning ${list(made.rollups.columns, (name) => `${rowOf(stream)}.${name}`)}
    ),
    lost_gains as (
        ${made.rollups.gains("removed_rows", -1)}
    )
    select count(*) into row_count
    from removed_rows;

    kept_chunks := array(
        select distinct ${rowOf(stream)}.chunk_id
        from ${stream.table}
        where ${rowOf(stream)}.ctid >= first_place and ${rowOf(stream)}.ctid < end_place and ${rowOf(stream)}.chunk_id = any(pruned_chunks)
    );
    perform ingest.prune_rollups();
    perform ingest.pass_fault_point('in-prune');
    return next;
end
$$;

-- Locks the rows of these places and chunks that no kept conflict contradicts, and returns where they are.
create or replace function ingest.lock_prunable_rows(
    first_place tid,
    end_place tid,
    pruned_chunks bigint[],
    older_than timestamptz,
    locked_slices integer
)
returns tid[]
language plpgsql
as $$
declare
    -- Keys of conflicts that the index does not find by them.
    odd_keys constant text[] := array(
        select odd_ids.key
        from ingest.rejects
        cross join lateral (
            values
            (lower(btrim(rejects.record ->> '${keyName(stream)}', E' \\t\\n\\r\\f\\x0b'))),
            (lower(btrim(rejects.original_record ->> '${keyName(stream)}', E' \\t\\n\\r\\f\\x0b')))
        ) as odd_ids (key)
        where
            rejects.kind = 'conflict'
            and rejects.stream_id = ${stream.streamId}
            and (
                rejects.original_record is not null
                or btrim(rejects.record ->> '${keyName(stream)}', E' \\t\\n\\r\\f\\x0b') <> btrim(rejects.record ->> '${keyName(stream)}')
            )
            and odd_ids.key is not null
    );
begin
    return array(
        select ${rowOf(stream)}.ctid
        from ${stream.table}
        where
            ${rowOf(stream)}.ctid >= first_place
            and ${rowOf(stream)}.ctid < end_place
            and ${rowOf(stream)}.chunk_id = any(pruned_chunks)
            and ${rowOf(stream)}.${made.stamped[0]!} < older_than
            and ingest.slice_of(${rowOf(stream)}.${keyList(stream)}) & locked_slices <> 0
            -- As a scalar, so that it is always a look-up in the index.
            and (
                select true
                from ingest.rejects
                where
                    left(lower(btrim(rejects.record ->> '${keyName(stream)}')), 36) = ${rowOf(stream)}.${keyList(stream)}::text
                    and rejects.kind = 'conflict'
                    and rejects.stream_id = ${stream.streamId}
                limit 1
            ) is null
            and ${rowOf(stream)}.${keyList(stream)}::text <> all(odd_keys)
        for update skip locked
    );
end
$$;

-- The bit of the slice that a row's key falls into: src/streams/types/uuid.ts.
create or replace function ingest.slice_of(key ${stream.columns[0]!.type})
returns integer
language sql
immutable
parallel safe
return 1 << (get_byte(uuid_send(key), 15) & 15);
`;
