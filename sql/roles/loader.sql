-- The loader: what `bun run ingest` needs, and no more. It adds rows, and changes or removes one only where the mode of a
-- stream does; it makes no table, no stream and no event type. Run this as the server's administrator (or as the owner, if it may make roles) after
-- `bun run migrate`, and again after each update, which may bring tables, and when the owner has added a stream:
--   psql "$ADMIN_URL" -f sql/roles/loader.sql
--   psql "$ADMIN_URL" -c '\password sluice_loader'
--   DATABASE_URL=postgres://sluice_loader:…@…/… bun run ingest
do $$
begin
    if not exists (select from pg_roles where pg_roles.rolname = 'sluice_loader') then
        create role sluice_loader login;
    end if;
    -- Each merge has scratch tables of its session.
    execute format('grant connect, temporary on database %I to sluice_loader', current_database());
end
$$;

grant usage on schema public, ingest to sluice_loader;
grant select, insert, update on all tables in schema ingest to sluice_loader;
grant usage on all sequences in schema ingest to sluice_loader;

-- Only the owner changes how the database is made, and what is accepted.
revoke insert, update on ingest.migrations, ingest.applied_sql, ingest.streams from sluice_loader;
do $$
declare
    stream_table record;
begin
    for stream_table in select * from ingest.stream_tables() loop
        if stream_table.holds = 'rows' then
            execute format('grant select, insert on %s to sluice_loader', stream_table.table_name);
        elsif stream_table.holds = 'rules' then
            execute format('revoke insert, update on %s from sluice_loader', stream_table.table_name);
        end if;
    end loop;
end
$$;

-- Deleted in passing: workers that are gone, chunks and rejects of a file that is over its budget, changes that were
-- added up, tombstones of keys that are back, hints that are taken, indexes that are made again (of a table that it owns).
grant delete on
    ingest.workers, ingest.chunks, ingest.rejects, ingest.file_changes, ingest.tombstones, ingest.hints,
    ingest.deferred_indexes
to sluice_loader;

-- The staging table owes nothing: its lanes are emptied when their rows are merged.
do $$
declare
    staging_lane regclass;
begin
    for staging_lane in select pg_partition_tree.relid from pg_partition_tree('ingest.staging') loop
        execute format('grant select, insert, delete, truncate on %s to sluice_loader', staging_lane);
    end loop;
end
$$;

-- With SLUICE_NOTIFY_WEBHOOK, it sends messages, and notes what it has sent.
grant execute on function
    ingest.take_notifier(uuid, interval),
    ingest.leave_notifier(uuid),
    ingest.write_told_states(jsonb),
    ingest.add_notification(text, text),
    ingest.record_delivery(text, text, interval)
to sluice_loader;

-- Why a stream is blocked is for the loader to say.
grant update (problem, problem_detail, problem_at) on ingest.streams to sluice_loader;

-- Whoever runs an ingest may pause it (`sluice pause`).
grant execute on function ingest.pause_streams(smallint, text, text) to sluice_loader;
grant execute on function ingest.resume_streams(smallint) to sluice_loader;

-- The streams of tables that Sluice found: each has a schema of its own. To make a stream, or to
-- adopt its table anew when that has changed, is for the owner.
do $$
declare
    stream record;
    staging_lane regclass;
    read_table regclass;
begin
    for stream in
        select
            streams.home,
            to_regclass(streams.table_name) as table_id,
            concat_ws(
                ', ',
                'insert',
                case when streams.mode in ('upsert', 'snapshot') then 'update' end,
                case
                    when streams.mode = 'snapshot' or streams.declaration #>> '{mode,deleteWhen}' is not null then 'delete'
                end
            ) as rights
        from ingest.streams
        inner join pg_namespace on pg_namespace.nspname = streams.home
        where streams.home <> 'ingest'
    loop
        execute format('grant usage on schema %I to sluice_loader', stream.home);
        for staging_lane in
            select pg_partition_tree.relid from pg_partition_tree(format('%I.staging', stream.home)::regclass)
        loop
            execute format('grant select, insert, delete, truncate on %s to sluice_loader', staging_lane);
        end loop;
        -- Its rows, the parents that its foreign keys name, and the numbers that its columns take.
        for read_table in
            select stream.table_id
            where stream.table_id is not null
            union
            select pg_constraint.confrelid
            from pg_constraint
            where pg_constraint.conrelid = stream.table_id and pg_constraint.contype = 'f'
        loop
            execute format(
                'grant usage on schema %I to sluice_loader',
                (
                    select pg_namespace.nspname
                    from pg_class
                    inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
                    where pg_class.oid = read_table
                )
            );
            execute format('grant select on %s to sluice_loader', read_table);
        end loop;
        if stream.table_id is not null then
            execute format('grant %s on %s to sluice_loader', stream.rights, stream.table_id);
        end if;
        for read_table in
            select pg_depend.objid
            from pg_depend
            inner join pg_class on pg_class.oid = pg_depend.objid and pg_class.relkind = 'S'
            where
                pg_depend.classid = 'pg_class'::regclass
                and pg_depend.refobjid = stream.table_id
                and pg_depend.deptype = any(array['a', 'i']::"char"[])
        loop
            execute format('grant usage on sequence %s to sluice_loader', read_table);
        end loop;
    end loop;
end
$$;
