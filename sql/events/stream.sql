-- The stream that is built in.
select ingest.add_stream(0::smallint, 'events', 'public.events', 'insert');
