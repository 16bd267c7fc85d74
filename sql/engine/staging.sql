-- The staging table: raw text as COPY delivers it, one row a record, owed nothing (UNLOGGED: empty after a crash).
-- A staged row counts only while a chunk in state 'staged' names its load. Only the pipeline reads this table.
-- When the columns below change, the old table is dropped: its chunks fail their count and are staged again.
do $$
declare
    wanted_columns constant text := 'load_id chunk_id record_no slice_no problem event_id event_type product_id user_id '
        'event_timestamp quantity price attributes extra_1 extra_2 extra_3 extra_4 extra_5 extra_6 extra_7 extra_8 '
        'extra_9 extra_10 extra_11 extra_12 extra_13 extra_14 extra_15 extra_16';
    present_columns text;
begin
    select string_agg(attname, ' ' order by attnum)
    into present_columns
    from pg_attribute
    where attrelid = to_regclass('ingest.staging') and attnum > 0 and not attisdropped;

    if present_columns is distinct from wanted_columns then
        drop table if exists ingest.staging cascade;
        create unlogged table ingest.staging (
            load_id bigint not null,
            chunk_id bigint not null,
            record_no bigint not null,
            -- the share of the key space that the record's key falls into, as the loader tells it
            slice_no smallint not null,
            -- {"reason", "line", "byte", "raw"} of a record that could not be split into values
            problem text,
            event_id text,
            event_type text,
            product_id text,
            user_id text,
            event_timestamp text,
            quantity text,
            price text,
            -- the tolerant way: unknown columns as the text of one JSON object
            attributes text,
            -- the raw way: unknown columns in the order of files.extra_columns
            extra_1 text, extra_2 text, extra_3 text, extra_4 text,
            extra_5 text, extra_6 text, extra_7 text, extra_8 text,
            extra_9 text, extra_10 text, extra_11 text, extra_12 text,
            extra_13 text, extra_14 text, extra_15 text, extra_16 text
        );
    end if;
end
$$;
