-- A role for the API that can only read, and have rejects replayed. The embedded database has it by itself. On a database
-- of yours run this as its owner, after `bun run migrate`; it may be run again at any time:
--   psql "$DATABASE_URL" -f sql/roles/api_reader.sql
--   psql "$DATABASE_URL" -c '\password sluice_api'
-- then start the API with that role's connection string: DATABASE_URL=postgres://sluice_api:…@…/… bun run api
--
-- Tables and views that come later are covered; run it again when a stream was added. What POST /v1/replay calls,
-- ingest.replay_batch and ingest.replay_stream, are the functions that write on this role's behalf: they run with the
-- owner's rights, and judge and move rejects, nothing else. Take the last grants away to refuse that too.
do $$
begin
    if not exists (select from pg_roles where pg_roles.rolname = 'sluice_api') then
        create role sluice_api login;
    end if;
end
$$;

alter role sluice_api set default_transaction_read_only = on;
grant usage on schema public, ingest to sluice_api;
grant select on all tables in schema ingest to sluice_api;

-- Tables that come later are the schema's owner's, whoever runs this.
do $$
begin
    execute (
        select format('grant select on %s to sluice_api', string_agg(stream_tables.table_name, ', '))
        from ingest.stream_tables() as stream_tables
    );
    execute format(
        'alter default privileges for role %s in schema ingest grant select on tables to sluice_api',
        (select pg_namespace.nspowner::regrole from pg_namespace where pg_namespace.nspname = 'ingest')
    );
end
$$;

grant execute on function ingest.replay_batch(
    uuid, uuid, bigint, bigint, text, text, timestamptz, boolean, boolean
) to sluice_api;

grant execute on function ingest.replay_stream(
    smallint, uuid, uuid, bigint, bigint, text, text, timestamptz, boolean, boolean
) to sluice_api;

-- The streams of tables that Sluice found: each has a schema of its own.
do $$
declare
    stream record;
begin
    for stream in
        select streams.home, to_regclass(streams.table_name) as table_id
        from ingest.streams
        inner join pg_namespace on pg_namespace.nspname = streams.home
        where streams.home <> 'ingest'
    loop
        execute format('grant usage on schema %I to sluice_api', stream.home);
        -- For the checks.
        if to_regclass(format('%I.staging', stream.home)) is not null then
            execute format('grant select on %I.staging to sluice_api', stream.home);
        end if;
        if stream.table_id is not null then
            execute format(
                'grant usage on schema %I to sluice_api',
                (
                    select pg_namespace.nspname
                    from pg_class
                    inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
                    where pg_class.oid = stream.table_id
                )
            );
            execute format('grant select on %s to sluice_api', stream.table_id);
        end if;
    end loop;
end
$$;
