-- Conflicts, with both versions side by side: the column, the stored value, the arrived value, and the file of each.
-- Columns: reject_id, event_id, column_name, stored, arrived, stored_from, arrived_from
select
    rejects.reject_id,
    rejects.record ->> 'event_id' as event_id,
    differences.column_name,
    differences.stored,
    differences.arrived,
    stored_files.path as stored_from,
    arrived_files.path as arrived_from
from ingest.rejects
inner join ingest.chunks as arrived_chunks on rejects.chunk_id = arrived_chunks.chunk_id
inner join ingest.files as arrived_files on arrived_chunks.file_id = arrived_files.file_id
-- The id of a conflict has passed the rules, so the cast succeeds.
inner join public.events on ingest.trimmed(rejects.record ->> 'event_id')::uuid = events.event_id
inner join ingest.chunks as stored_chunks on events.chunk_id = stored_chunks.chunk_id
inner join ingest.files as stored_files on stored_chunks.file_id = stored_files.file_id
cross join lateral (
    select
        arrived_values.key as column_name,
        ingest.record_of(events) ->> arrived_values.key as stored,
        arrived_values.value as arrived
    from jsonb_each_text(rejects.record) as arrived_values
    where
        -- White space around a value counts in columns that we don't know, and only there.
        case
            when arrived_values.key in ('event_type', 'product_id', 'user_id', 'event_timestamp', 'quantity', 'price')
                then ingest.trimmed(arrived_values.value)
            else arrived_values.value
        end is distinct from ingest.record_of(events) ->> arrived_values.key
        -- Written in many ways; of those two the values themselves are compared.
        and not (
            arrived_values.key = 'event_timestamp'
            and ingest.trimmed(arrived_values.value)::timestamptz = events.event_timestamp
        )
        and not (
            arrived_values.key = 'price'
            and ingest.trimmed(arrived_values.value)::numeric = events.price
        )
        and arrived_values.key <> 'event_id'
) as differences
where rejects.kind = 'conflict' and rejects.resolved_by_batch is null and rejects.edited_at is null
order by rejects.reject_id desc, differences.column_name
limit 100;
