-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

select ingest.add_stream(
    0::smallint,
    'events',
    'public.events',
    'insert',
    jsonb_build_object(
        'key', 'event_id',
        'columns', (
            select jsonb_agg(to_jsonb(columns))
            from (
                values
                ('event_id', 'uuid', true, false), ('event_type', 'character varying(50)', true, false),
                ('product_id', 'character varying(100)', true, false),
                ('user_id', 'character varying(100)', true, false),
                ('event_timestamp', 'timestamp with time zone', true, false), ('quantity', 'integer', false, false),
                ('price', 'numeric(10,2)', false, false), ('attributes', 'jsonb', false, false),
                ('created_at', 'timestamp with time zone', true, true), ('chunk_id', 'bigint', true, false),
                ('record_no', 'bigint', true, false)
            ) as columns (name, type, "notNull", "hasDefault")
        )
    )
);

-- Asked first: an index that is made waits for everybody who writes, even if it is there.
do $$
begin
    if to_regclass('ingest.rejects_event_id') is null then
        -- For the rivals of a record. Cut: a value of any length may stand there.
        create index rejects_event_id on ingest.rejects (left(lower(btrim(record ->> 'event_id')), 36));
    end if;
    if to_regclass('ingest.rejects_odd_conflicts') is null then
        -- The few conflicts that the index above does not find by their key.
        create index rejects_odd_conflicts on ingest.rejects (reject_id)
        where
            kind = 'conflict'
            and (
                original_record is not null
                or btrim(record ->> 'event_id', E' \t\n\r\f\x0b') <> btrim(record ->> 'event_id')
            );
    end if;
end
$$;
