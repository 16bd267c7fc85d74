-- The places within a transaction where a test can make something break: src/database/faults/. Inert unless the session's setting
-- sluice.fault_at names the point and the pass, such as `in-merge:1`. Then a notice with the backend's pid tells the client,
-- which has a second to strike; after that the statement goes on, as it does when a client dies.
create or replace function ingest.pass_fault_point(point text)
returns void
language plpgsql
as $$
declare
    fault_at constant text := current_setting('sluice.fault_at', true);
    pass integer;
begin
    if fault_at is null or split_part(fault_at, ':', 1) <> point then
        return;
    end if;
    pass := coalesce(nullif(current_setting('sluice.fault_passes', true), ''), '0')::integer + 1;
    perform set_config('sluice.fault_passes', pass::text, false);
    if pass <> split_part(fault_at, ':', 2)::integer then
        return;
    end if;
    raise notice 'sluice fault point %:%', point, pg_backend_pid();
    perform pg_sleep(1);
end
$$;
