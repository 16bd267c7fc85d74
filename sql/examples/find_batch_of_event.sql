-- Which batch inserted this event, from which bytes of which file? Put the event_id in the first lines.
-- Columns: event_id, batch_id, kind, committed_at, path, first_byte, end_byte, record_no
with
    wanted as (
        select uuid '00000000-0000-4000-8000-000000000001' as event_id
    )

select
    events.event_id,
    batches.batch_id,
    batches.kind,
    batches.finished_at as committed_at,
    files.path,
    chunks.first_byte,
    chunks.end_byte,
    events.record_no
from wanted
inner join public.events on wanted.event_id = events.event_id
inner join ingest.chunks on events.chunk_id = chunks.chunk_id
inner join ingest.files on chunks.file_id = files.file_id
-- The replay that inserted it; otherwise the merge of its chunk that had its slice, which is its last hex digit.
left join lateral (
    select rejects.resolved_by_batch as batch_id
    from ingest.rejects
    where
        rejects.chunk_id = events.chunk_id
        and rejects.record_no = events.record_no
        and rejects.resolution in ('inserted', 'accepted')
    order by rejects.reject_id desc
    limit 1
) as replays on true
left join ingest.chunk_merges
    on
        replays.batch_id is null
        and events.chunk_id = chunk_merges.chunk_id
        and chunk_merges.slices & ingest.slice_of(events.event_id) <> 0
left join ingest.batches on coalesce(replays.batch_id, chunk_merges.batch_id) = batches.batch_id;
