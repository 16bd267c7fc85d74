-- Everything in sql/ is applied again as a whole whenever any of it changed (src/database/migrate.ts), so it starts
-- from nothing: every function and view in the schema comes from these files, and a signature may change freely.
-- Only what runs with its owner's rights stays, to be replaced in place: who may call it was granted by hand
-- (sql/roles/), and a grant goes with its function. A new signature of such a function drops the old one itself.
do $$
declare
    statements text[] := array(
        select format('drop view if exists %s cascade', pg_class.oid::regclass)
        from pg_class
        where pg_class.relnamespace = 'ingest'::regnamespace and pg_class.relkind = 'v'
    ) || array(
        select format('drop function if exists %s cascade', pg_proc.oid::regprocedure)
        from pg_proc
        where
            pg_proc.pronamespace = 'ingest'::regnamespace
            and pg_proc.prokind = 'f'
            and not pg_proc.prosecdef
    );
    statement text;
begin
    foreach statement in array statements loop
        execute statement;
    end loop;
end
$$;

-- Functions of a stream's own schema may have gone with those, and may not fit the new ones: the next ingest makes them anew
-- (src/streams/apply-stream.ts), and one that runs asks for them when something fails, or within the minute.
update ingest.streams set shape_hash = null where streams.shape_hash is not null;
