-- What the API reads of a stream whose schema is its own: staging and the table, for the checks and for a trace. Granted when
-- the schema is made, to a role that reads the ledger already, because the API may have been running before. Changes nothing
-- that is granted, and leaves out what the caller may not grant. Null for a role that there is not.
create or replace function ingest.grant_reader(granted_stream smallint, reader regrole)
returns void
language plpgsql
strict
as $$
declare
    home constant text := ingest.home_of(granted_stream);
    wanted record;
begin
    if home = 'ingest' or not has_schema_privilege(reader, 'ingest', 'usage') then
        return;
    end if;
    for wanted in
        select pg_class.oid::regclass as table_id, pg_namespace.oid as schema_id, pg_namespace.nspname as schema_name
        from pg_class
        inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
        where
            (pg_namespace.nspname = home and pg_class.relname = 'staging')
            or pg_class.oid = (
                select to_regclass(streams.table_name)
                from ingest.streams
                where streams.stream_id = granted_stream
            )
    loop
        if
            not has_schema_privilege(reader, wanted.schema_id, 'usage')
            and has_schema_privilege(wanted.schema_id, 'usage with grant option')
        then
            execute format('grant usage on schema %I to %s', wanted.schema_name, reader);
        end if;
        if
            not has_table_privilege(reader, wanted.table_id, 'select')
            and has_table_privilege(wanted.table_id, 'select with grant option')
        then
            execute format('grant select on %s to %s', wanted.table_id, reader);
        end if;
    end loop;
end
$$;
