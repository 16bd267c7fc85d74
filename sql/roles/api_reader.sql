-- A role for the API that can only read, and have rejects replayed. The embedded database has it by itself. On a database
-- of yours run this as its owner, after `bun run migrate`; it may be run again at any time:
--   psql "$DATABASE_URL" -f sql/roles/api_reader.sql
--   psql "$DATABASE_URL" -c '\password sluice_api'
-- then start the API with that role's connection string: DATABASE_URL=postgres://sluice_api:…@…/… bun run api
--
-- Tables and views that come later are covered. What POST /v1/replay calls, ingest.replay_batch, is the one function
-- that writes on this role's behalf: it runs with the owner's rights, and judges and moves rejects, nothing else. Take
-- the last grant away to refuse that too.
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
