-- Every event comes from a record of a chunk that a merge has read. (The merges of a pruned chunk may be gone.)
with
    merged_chunks as (
        select
            chunks.chunk_id,
            chunks.first_record_no,
            chunks.first_record_no + chunks.records - 1 as last_record_no
        from ingest.chunks
        where
            chunks.pruned_at is not null
            or exists (select from ingest.chunk_merges where chunk_merges.chunk_id = chunks.chunk_id)
    )

select
    events.event_id,
    events.chunk_id,
    events.record_no,
    merged_chunks.first_record_no,
    merged_chunks.last_record_no
from public.events
left join merged_chunks on events.chunk_id = merged_chunks.chunk_id
where
    merged_chunks.chunk_id is null
    or events.record_no not between merged_chunks.first_record_no and merged_chunks.last_record_no;
