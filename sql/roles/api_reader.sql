-- A role for the API that can only read, have rejects replayed, and pause the ingest. The embedded database has it by itself. On a database
-- of yours run this as its owner, after `bun run migrate`; it may be run again at any time:
--   psql "$DATABASE_URL" -f sql/roles/api_reader.sql
--   psql "$DATABASE_URL" -c '\password sluice_api'
-- then start the API with that role's connection string: DATABASE_URL=postgres://sluice_api:…@…/… bun run api
--
-- Tables, views and streams that come later are covered, but for a table that whoever adds its stream may not grant: run it
-- again for that, and after each update. Some functions write on this role's behalf, with the owner's rights:
-- ingest.replay_rejects validates and moves rejects (POST /v1/replay), ingest.edit_rejects writes values into them
-- (PATCH /v1/rejects), and others pause streams, note messages or leave hints. Revoke them to refuse that too.
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

grant execute on function ingest.replay_rejects(
    smallint, uuid, uuid, bigint[], boolean, boolean, jsonb, jsonb
) to sluice_api;

grant execute on function ingest.edit_rejects(bigint[], jsonb, jsonb) to sluice_api;

-- With SLUICE_NOTIFY_WEBHOOK, a process of the API sends messages, and notes what it has sent.
grant execute on function
    ingest.take_notifier(uuid, interval),
    ingest.leave_notifier(uuid),
    ingest.write_told_states(jsonb),
    ingest.add_notification(text, text),
    ingest.record_delivery(text, text, interval)
to sluice_api;
grant execute on function ingest.pause_streams(smallint, text, text) to sluice_api;
grant execute on function ingest.resume_streams(smallint) to sluice_api;

-- Where the loader is to look (POST /v1/notify).
grant execute on function ingest.add_hints(jsonb) to sluice_api;

-- The streams of tables that Sluice found: each has a schema of its own.
select ingest.grant_reader(streams.stream_id, 'sluice_api')
from ingest.streams
where streams.home <> 'ingest';
