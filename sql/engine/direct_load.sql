-- A direct load: records of which the loader has found every value plain, and whose keys are expected to be new, go by COPY
-- straight into the table. Rows, ledger and checkpoint are one transaction, as in a merge; whatever the table has against any of
-- them undoes it all, and the chunk is staged and merged. What the rules would reject cannot get in by it: the values are plain,
-- and the rest the table itself refuses.

-- The stream's table and its partitions.
create or replace function ingest.tables_of(this_stream smallint)
returns setof oid
language sql
stable
as $$
select to_regclass(streams.table_name)::oid
from ingest.streams
where streams.stream_id = this_stream
union
select parts.relid::oid
from ingest.streams
cross join lateral pg_partition_tree(to_regclass(streams.table_name)) as parts
where streams.stream_id = this_stream
$$;

-- Whether a chunk waits whose records come before those of any new one. State by state, as the indexes have them: together they would
-- be looked for in all of history.
create or replace function ingest.has_open_chunk(this_stream smallint, but_chunk bigint default null)
returns boolean
language sql
stable
return exists (
    select
    from ingest.chunks
    where
        chunks.stream_id = this_stream and chunks.state = 'staged' and chunks.chunk_id is distinct from but_chunk
)
or exists (
    select from ingest.chunks where chunks.stream_id = this_stream and chunks.state = 'held'
)
or exists (
    select
    from ingest.chunks
    where chunks.stream_id = this_stream and chunks.state = 'pending' and chunks.attempts = 0
);

-- Whether the table is still the one that the stream's functions were made for, without triggers, and with its own checks of foreign
-- keys. Behind a COPY it stays so until the end of the transaction.
create or replace function ingest.is_as_rendered(this_stream smallint)
returns boolean
language sql
stable
-- Types are named with their schema, as in the shape.
set search_path to pg_catalog
as $$
select
    not exists (
        select
        from jsonb_to_recordset(streams.shape -> 'columns') as rendered (name text, type text, "hasDefault" boolean)
        full join (
            select
                pg_attribute.attname::text as name,
                format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as type,
                pg_attribute.attidentity <> ''
                or (pg_attribute.atthasdef and pg_attribute.attgenerated = '') as has_default
            from pg_attribute
            where
                pg_attribute.attrelid = to_regclass(streams.table_name)
                and pg_attribute.attnum > 0
                and not pg_attribute.attisdropped
        ) as present
            on present.name = rendered.name
        where
            (present.name, present.type, present.has_default)
            is distinct from (rendered.name, rendered.type, rendered."hasDefault")
    )
    and not exists (
        select
        from ingest.tables_of(streams.stream_id) as tables (oid)
        inner join pg_trigger on pg_trigger.tgrelid = tables.oid
        where
            case
                when pg_trigger.tgisinternal then pg_trigger.tgenabled not in ('O', 'A')
                -- insert, update
                else pg_trigger.tgenabled <> 'D' and pg_trigger.tgtype & 20 <> 0
            end
    )
from ingest.streams
where streams.stream_id = this_stream
$$;

-- Whether the stream's next chunk may be loaded so: nothing waits to be merged before it, nobody changes rows on their way, and the
-- table checks what its definition says.
create or replace function ingest.takes_direct_load(this_stream smallint)
returns boolean
language sql
stable
return current_setting('track_counts')::boolean
and current_setting('session_replication_role') = 'origin'
and ingest.expects_new_keys(this_stream)
and not ingest.has_open_chunk(this_stream)
and ingest.is_as_rendered(this_stream);

-- Begins the transaction of a COPY: values are read as a merge reads them, and another transaction's key is not waited for.
create or replace function ingest.begin_direct_load(this_stream smallint)
returns void
language plpgsql
as $$
begin
    perform set_config('timezone', 'UTC', true);
    perform set_config('datestyle', 'ISO, YMD', true);
    perform set_config('lock_timeout', '1s', true);
    -- A process that is frozen keeps the table and the ledger locked no longer than this.
    perform set_config('idle_in_transaction_session_timeout', '30s', true);
    -- The session's counts are those of the transactions before this one, too, until Postgres has passed them on.
    perform set_config('ingest.rows_before', ingest.copied_rows(this_stream)::text, true);
end
$$;

-- The rows that this session has inserted of late into the stream's table or its partitions.
create or replace function ingest.copied_rows(this_stream smallint)
returns bigint
language sql
volatile
as $$
select coalesce(sum(pg_stat_get_xact_tuples_inserted(tables.oid)), 0)::bigint
from ingest.tables_of(this_stream) as tables (oid)
$$;

-- Called in the transaction of the COPY, behind it. Records the load and its one chunk as record_load does, and a batch that has
-- merged it. Returns the batch. Raises SL001 as record_load does, SL009 when the records must be staged after all.
create or replace function ingest.record_direct_load(
    this_load_id bigint,
    load_bytes bigint,
    file_shapes jsonb,
    staged_chunks jsonb,
    wanted_batch_key uuid
)
returns ingest.batches
language plpgsql
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    copied_at constant timestamptz := clock_timestamp();
    loaded_chunk constant bigint := (staged_chunks #>> '{0,chunkId}')::bigint;
    this_load ingest.loads;
    this_batch ingest.batches;
begin
    perform ingest.record_load(this_load_id, load_bytes, file_shapes, staged_chunks);
    -- Nothing of it is in staging.
    update ingest.loads
    set state = 'swept'
    where loads.load_id = this_load_id
    returning loads.* into this_load;
    if ingest.has_open_chunk(this_load.stream_id, loaded_chunk) then
        raise exception 'other records come before these' using errcode = 'SL009';
    end if;
    if not ingest.is_as_rendered(this_load.stream_id) then
        raise exception 'the table has changed' using errcode = 'SL009';
    end if;

    execute format('select %I.require_key()', ingest.home_of(this_load.stream_id));
    perform ingest.prepare_merge(ingest.home_of(this_load.stream_id));
    if ingest.lock_slices(this_load.stream_id, ingest.all_slices()) <> ingest.all_slices() then
        raise exception 'a replay is at work' using errcode = 'SL009';
    end if;
    perform ingest.add_staged_chunks(array[loaded_chunk], ingest.all_slices());
    -- As Postgres counts them, not the loader.
    update batch_chunks
    set inserted = ingest.copied_rows(this_load.stream_id) - current_setting('ingest.rows_before')::bigint;

    this_batch := ingest.open_batch(
        this_load.stream_id, wanted_batch_key, this_load.worker_id, 'merge', ingest.all_slices(), transaction_timestamp()
    );
    this_batch.oldest_staged_at := copied_at;
    this_batch := ingest.close_batch(
        this_batch,
        jsonb_build_object('insert', ingest.milliseconds(copied_at - transaction_timestamp())),
        unbalanced => 'SL009'
    );
    -- Deferred constraints are checked here, so that a violation undoes the load.
    set constraints all immediate;
    return this_batch;
end
$$;
