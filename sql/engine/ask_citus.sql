-- Questions to Citus, the distributed Postgres. They go through EXECUTE, because most databases do not have its functions.

-- Whether Citus keeps the rows of this table on its workers.
create or replace function ingest.is_distributed(table_name text)
returns boolean
language plpgsql
stable
as $$
declare
    answer boolean := false;
begin
    if to_regclass('pg_catalog.pg_dist_partition') is not null then
        execute 'select exists (select from pg_catalog.pg_dist_partition where logicalrelid = to_regclass($1) and partmethod = ''h'')'
        into answer
        using table_name;
    end if;
    return answer;
end
$$;

-- Ends what a coordinator that was killed left prepared on its workers, without waiting for the daemon of Citus. Returns how many
-- transactions that were.
create or replace function ingest.recover_prepared()
returns integer
language plpgsql
as $$
declare
    recovered integer := 0;
begin
    if
        to_regprocedure('pg_catalog.recover_prepared_transactions()') is not null
        and has_function_privilege('pg_catalog.recover_prepared_transactions()', 'execute')
    then
        execute 'select pg_catalog.recover_prepared_transactions()' into recovered;
    end if;
    return recovered;
end
$$;
