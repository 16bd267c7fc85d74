-- Makes a stream known, with its key space in sixteen fixed shares, so that merges that run side by side never meet a key of
-- each other's, and a lease for the worker that loads it.
create or replace function ingest.add_stream(
    stream_id smallint, stream_name text, table_name text, stream_mode text, shape jsonb default null
)
returns void
language sql
as $$
    insert into ingest.streams (stream_id, name, table_name, mode, shape)
    values (add_stream.stream_id, stream_name, add_stream.table_name, stream_mode, add_stream.shape)
    on conflict (stream_id) do update
    set mode = excluded.mode, shape = coalesce(excluded.shape, streams.shape);

    insert into ingest.slices (stream_id, slice_no)
    select add_stream.stream_id, slice_numbers.slice_no
    from generate_series(0, 15) as slice_numbers (slice_no)
    on conflict (stream_id, slice_no) do nothing;

    insert into ingest.loader_lease (stream_id)
    values (add_stream.stream_id)
    on conflict (stream_id) do nothing
$$;

-- Which slice a record falls into is the business of the loader (src/streams/types/): a function of its trimmed key
-- alone. Were it ever wrong, two merges would meet at an event_id and one wait for the other; nothing would be lost.

-- The bit masks of slices already merged and still to do are integers: 65535 is all sixteen.
create or replace function ingest.all_slices()
returns integer
language sql
immutable
parallel safe
return 65535;
