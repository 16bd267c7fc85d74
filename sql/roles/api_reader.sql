-- A role for the API that can only read. Run it once as the owner of the database, after `bun run migrate`:
--   psql "$DATABASE_URL" -f sql/roles/api_reader.sql
--   psql "$DATABASE_URL" -c '\password sluice_api'
-- then start the API with that role's connection string: DATABASE_URL=postgres://sluice_api:…@…/… bun run api
--
-- Tables and views that come later are covered. POST /v1/replay writes, and so is refused: replay with `bun run replay`.
do $$
begin
    if not exists (select from pg_roles where pg_roles.rolname = 'sluice_api') then
        create role sluice_api login;
    end if;
end
$$;

alter role sluice_api set default_transaction_read_only = on;
grant usage on schema public, ingest to sluice_api;
grant select on public.events to sluice_api;
grant select on all tables in schema ingest to sluice_api;
alter default privileges in schema ingest grant select on tables to sluice_api;
