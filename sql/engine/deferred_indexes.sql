-- Indexes of a stream's table that are away while a backlog is loaded (--defer-indexes). The transaction that drops them writes what
-- makes them again to ingest.deferred_indexes, and the one that makes an index deletes its row: whatever is killed, an index is in
-- the table or in the ledger.

-- Those that may be away: not unique ones, which nothing in the database rests on and whose definition says all about them. With their names
-- as SQL writes them. search_path: now a definition names its table, functions and operators with their schema.
create or replace function ingest.deferrable_indexes(this_table regclass)
returns table (index_id oid, schema_name text, index_name text, definition text, tablespace text, comment text)
language sql
stable
set search_path = pg_catalog
as $$
select
    indexes.oid,
    pg_namespace.nspname::text,
    indexes.relname::text,
    pg_get_indexdef(indexes.oid),
    coalesce(pg_tablespace.spcname::text, ''),
    obj_description(indexes.oid, 'pg_class')
from pg_index
inner join pg_class as indexes on indexes.oid = pg_index.indexrelid
inner join pg_namespace on pg_namespace.oid = indexes.relnamespace
left join pg_tablespace on pg_tablespace.oid = indexes.reltablespace
where
    pg_index.indrelid = this_table
    and indexes.relkind = 'i'
    and not indexes.relispartition
    and not pg_index.indisunique
    and not pg_index.indisexclusion
    and not pg_index.indisreplident
    and not pg_index.indisclustered
    and pg_index.indisvalid
    -- It belongs to no constraint, extension or partition, and nothing depends on it.
    and not exists (
        select from pg_depend
        where
            (pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjid = indexes.oid)
            or (
                pg_depend.classid = 'pg_class'::regclass
                and pg_depend.objid = indexes.oid
                and pg_depend.deptype not in ('a', 'n')
            )
    )
    and not exists (
        select from pg_attribute
        where pg_attribute.attrelid = indexes.oid and coalesce(pg_attribute.attstattarget, -1) >= 0
    )
order by indexes.oid
$$;

-- The figures by which the loader decides whether to defer the indexes of a stream. `obstacle`: why it cannot, with the remedy, or null.
create or replace function ingest.examine_indexes(this_stream smallint)
returns table (unread_bytes bigint, staged_records bigint, table_bytes bigint, index_names text[], obstacle text)
language sql
stable
as $$
with
    stream_table as (
        select
            pg_class.oid,
            pg_class.relkind,
            pg_class.relowner,
            pg_namespace.oid as schema_id,
            format('%I.%I', pg_namespace.nspname, pg_class.relname) as table_name,
            streams.mode
        from ingest.streams
        inner join pg_class on pg_class.oid = to_regclass(streams.table_name)
        inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
        where streams.stream_id = this_stream
    )

select
    (
        select coalesce(sum(greatest(files.size_bytes - files.loaded_bytes, 0)), 0)::bigint
        from ingest.files
        where files.state = 'pending' and files.stream_id = this_stream and files.waits_as is null
    ),
    (
        select coalesce(sum(chunks.records), 0)::bigint
        from ingest.chunks
        where chunks.state = 'staged' and chunks.stream_id = this_stream
    ),
    pg_table_size(stream_table.oid),
    array(select deferrable_indexes.index_name from ingest.deferrable_indexes(stream_table.oid::regclass)),
    case
        when stream_table.mode = 'snapshot' then
            'a snapshot is compared with the rows that are there'
        when stream_table.relkind <> 'r' then
            format('%s is partitioned, and its indexes are those of its partitions', stream_table.table_name)
        when not pg_has_role(stream_table.relowner, 'usage') then
            format(
                'the role %I does not own %s. The owner may say: grant %s to %I',
                current_user, stream_table.table_name, stream_table.relowner::regrole, current_user
            )
        when not has_schema_privilege(stream_table.schema_id, 'create') then
            format(
                'the role %I may not make an index in the schema of %s. Its owner may say: grant create on schema %s to %I',
                current_user, stream_table.table_name, stream_table.schema_id::regnamespace, current_user
            )
    end
from stream_table
$$;

-- Drops them, and returns their names. Raises SL001 where the worker no longer loads; and what it raises where it gets no lock of the
-- table within two seconds changes nothing.
create or replace function ingest.defer_indexes(this_stream smallint, worker uuid)
returns text[]
language plpgsql
set lock_timeout = '2s'
as $$
declare
    this_table constant text := (select streams.table_name from ingest.streams where streams.stream_id = this_stream);
    dropped record;
    names text[] := '{}';
begin
    -- Whoever loads next finds these rows: the right to load stays here until they are committed.
    perform from ingest.loader_lease where loader_lease.stream_id = this_stream for share;
    perform ingest.require_right_to_load(this_stream, worker);
    execute format('lock table only %s in access exclusive mode', this_table);
    for dropped in select * from ingest.deferrable_indexes(to_regclass(this_table)) loop
        insert into ingest.deferred_indexes (stream_id, table_name, schema_name, index_name, definition, tablespace, comment)
        values (
            this_stream, this_table, dropped.schema_name, dropped.index_name, dropped.definition, dropped.tablespace,
            dropped.comment
        )
        -- One that somebody has made again by hand meanwhile: as it is now.
        on conflict on constraint deferred_indexes_name do update
        set
            stream_id = excluded.stream_id,
            table_name = excluded.table_name,
            definition = excluded.definition,
            tablespace = excluded.tablespace,
            comment = excluded.comment,
            deferred_at = excluded.deferred_at,
            problem = null;
        execute format('drop index %I.%I', dropped.schema_name, dropped.index_name);
        names := names || dropped.index_name;
    end loop;
    perform ingest.pass_fault_point('before-defer-commit');
    return names;
end
$$;

-- Makes one again. Returns `made`; `there` where somebody has made the same one meanwhile; `taken` where another one has its name, with
-- the problem in the ledger; or null, where it is done already. Whoever else makes it is waited for.
create or replace function ingest.make_index(this_index bigint)
returns text
language plpgsql
set search_path = pg_catalog
set lock_timeout = '5s'
as $$
declare
    deferred ingest.deferred_indexes;
    found_index oid;
    work_bytes bigint := pg_size_bytes(current_setting('maintenance_work_mem'));
begin
    select * into deferred
    from ingest.deferred_indexes
    where deferred_indexes.deferred_index_id = this_index
    for update;
    if not found then
        return null;
    end if;
    -- Tells status which backend makes it.
    perform pg_advisory_xact_lock(7302011, this_index::integer);
    found_index := to_regclass(format('%I.%I', deferred.schema_name, deferred.index_name));
    if found_index is not null then
        if pg_get_indexdef(found_index) is distinct from deferred.definition then
            update ingest.deferred_indexes
            set problem = format(
                'something else has its name. Rename that, and run the ingest again; or keep it: delete from ingest.deferred_indexes where deferred_index_id = %s',
                this_index
            )
            where deferred_indexes.deferred_index_id = this_index;
            return 'taken';
        end if;
        delete from ingest.deferred_indexes where deferred_indexes.deferred_index_id = this_index;
        return 'there';
    end if;
    -- Two may be made at once.
    work_bytes := least(greatest(work_bytes, pg_size_bytes('128MB')), pg_size_bytes('1GB'));
    perform set_config('maintenance_work_mem', (work_bytes / 1024)::text, true);
    perform set_config('default_tablespace', deferred.tablespace, true);
    execute deferred.definition;
    if deferred.comment is not null then
        execute format('comment on index %I.%I is %L', deferred.schema_name, deferred.index_name, deferred.comment);
    end if;
    delete from ingest.deferred_indexes where deferred_indexes.deferred_index_id = this_index;
    perform ingest.pass_fault_point('before-index-commit');
    return 'made';
end
$$;

-- Those of a stream, or of all, and how far the ones are that are being made: of its phase as many percent, where this role may see it.
create or replace function ingest.deferred_indexes_of(only_stream smallint)
returns table (
    deferred_index_id bigint, stream_id smallint, stream_name text, table_name text, index_name text, deferred_at timestamptz,
    problem text, is_being_made boolean, phase text, percent integer
)
language sql
stable
as $$
select
    deferred_indexes.deferred_index_id,
    deferred_indexes.stream_id,
    streams.name,
    deferred_indexes.table_name,
    deferred_indexes.index_name,
    deferred_indexes.deferred_at,
    deferred_indexes.problem,
    pg_locks.pid is not null,
    progress.phase,
    (
        100.0 * case when progress.tuples_total > 0 then progress.tuples_done else progress.blocks_done end
        / nullif(case when progress.tuples_total > 0 then progress.tuples_total else progress.blocks_total end, 0)
    )::integer
from ingest.deferred_indexes
inner join ingest.streams using (stream_id)
left join pg_locks
    on
        pg_locks.locktype = 'advisory'
        and pg_locks.database = (select pg_database.oid from pg_database where pg_database.datname = current_database())
        and pg_locks.classid = 7302011
        and pg_locks.objid = deferred_indexes.deferred_index_id
        and pg_locks.objsubid = 2
        and pg_locks.granted
left join pg_stat_progress_create_index as progress on progress.pid = pg_locks.pid
where only_stream is null or deferred_indexes.stream_id = only_stream
order by deferred_indexes.deferred_index_id
$$;
