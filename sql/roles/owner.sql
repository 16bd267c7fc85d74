-- The owner: makes the tables and functions (`bun run migrate`) and removes what is old (`bun run prune`), in this database alone.
-- Run this once as the server's administrator, in the database that Sluice is to have; it may be run again at any time:
--   psql "$ADMIN_URL" -f sql/roles/owner.sql
--   psql "$ADMIN_URL" -c '\password sluice_owner'
--   DATABASE_URL=postgres://sluice_owner:…@…/… bun run migrate
-- Then loader.sql and api_reader.sql, as the administrator too: a role that makes roles is no small one.
do $$
begin
    if not exists (select from pg_roles where pg_roles.rolname = 'sluice_owner') then
        create role sluice_owner login;
    end if;
    execute format('grant create, connect, temporary on database %I to sluice_owner', current_database());
end
$$;

grant usage, create on schema public to sluice_owner;
