-- Everything in sql/ is applied again as a whole whenever any of it changed (src/database/migrate.ts), so it starts
-- from nothing: every function and view in the schema comes from these files, and a signature may change freely.
do $$
declare
    statements text[] := array(
        select format('drop view if exists %s cascade', pg_class.oid::regclass)
        from pg_class
        where pg_class.relnamespace = 'ingest'::regnamespace and pg_class.relkind = 'v'
    ) || array(
        select format('drop function if exists %s cascade', pg_proc.oid::regprocedure)
        from pg_proc
        where pg_proc.pronamespace = 'ingest'::regnamespace and pg_proc.prokind = 'f'
    );
    statement text;
begin
    foreach statement in array statements loop
        execute statement;
    end loop;
end
$$;
