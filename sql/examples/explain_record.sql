-- Why was this record not inserted? Put the file and the number of the record in the first lines.
-- Columns: path, version, record_no, outcome, reasons, record, raw_text, batch_id
-- A record of a merged chunk that is neither an event nor a reject was an exact duplicate: those are counted, not kept.
with
    wanted as (
        select
            'orders.csv' as path,
            3 as record_no
    ),

    wanted_records as (
        select
            files.path,
            files.version,
            wanted.record_no,
            chunks.chunk_id,
            chunks.state,
            chunks.pruned_at
        from wanted
        inner join ingest.files on wanted.path = files.path
        inner join ingest.chunks
            on
                files.file_id = chunks.file_id
                and wanted.record_no between chunks.first_record_no and chunks.first_record_no + chunks.records - 1
    )

select
    wanted_records.path,
    wanted_records.version,
    wanted_records.record_no,
    case
        when events.event_id is not null then 'inserted'
        when rejects.reject_id is not null then coalesce(rejects.resolution, rejects.kind)
        when wanted_records.pruned_at is not null then 'pruned'
        when wanted_records.state = 'merged' then 'duplicate'
        else wanted_records.state
    end as outcome,
    rejects.reasons,
    rejects.record,
    rejects.raw_text,
    rejects.batch_id
from wanted_records
left join ingest.rejects
    on wanted_records.chunk_id = rejects.chunk_id and wanted_records.record_no = rejects.record_no
-- There is no index on where an event came from, so this reads the table.
left join public.events
    on wanted_records.chunk_id = events.chunk_id and wanted_records.record_no = events.record_no
order by wanted_records.version desc, rejects.reject_id;
