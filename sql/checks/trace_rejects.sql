-- Every reject comes from a record of a chunk that its batch has read, and has a reason.
with
    chunk_records as (
        select
            chunk_merges.chunk_id,
            chunk_merges.batch_id,
            chunks.first_record_no,
            chunks.first_record_no + chunks.records - 1 as last_record_no
        from ingest.chunk_merges
        inner join ingest.chunks on chunk_merges.chunk_id = chunks.chunk_id
    )

select
    rejects.reject_id,
    rejects.chunk_id,
    rejects.batch_id,
    rejects.record_no,
    rejects.kind,
    rejects.reasons,
    chunk_records.first_record_no,
    chunk_records.last_record_no
from ingest.rejects
left join chunk_records
    on rejects.chunk_id = chunk_records.chunk_id and rejects.batch_id = chunk_records.batch_id
left join ingest.streams on rejects.stream_id = streams.stream_id
where
    chunk_records.chunk_id is null
    or rejects.record_no not between chunk_records.first_record_no and chunk_records.last_record_no
    or cardinality(rejects.reasons) = 0
    or (
        streams.shape ->> 'key' is not null
        and (rejects.kind = 'conflict') <> (rejects.reasons = array[replace(streams.shape ->> 'key', ', ', '_') || '_conflict'])
    )
    -- The values, or the text when it could not be split into values.
    or num_nonnulls(rejects.record, rejects.raw_text) = 0;
