-- The chunks of a file cover it without a gap, in bytes and in record numbers, from its start to the point up to
-- which the ledger says it was loaded. A chunk may begin before the end of the previous one, because an unfinished
-- tail is read again from its start when the file grows.
with
    ordered_chunks as (
        select
            chunks.file_id,
            chunks.chunk_id,
            chunks.first_byte,
            chunks.end_byte,
            chunks.first_record_no,
            chunks.first_record_no + chunks.records - 1 as last_record_no,
            coalesce(max(chunks.end_byte) over earlier_chunks, 0) as reached_byte,
            coalesce(max(chunks.first_record_no + chunks.records - 1) over earlier_chunks, 0) as reached_record_no,
            row_number() over (
                partition by chunks.file_id
                order by chunks.end_byte desc, chunks.first_byte desc, chunks.chunk_id desc
            ) = 1 as is_last
        from ingest.chunks
        window earlier_chunks as (
            partition by chunks.file_id
            order by chunks.first_byte, chunks.end_byte, chunks.chunk_id
            rows between unbounded preceding and 1 preceding
        )
    )

select
    ordered_chunks.file_id,
    ordered_chunks.chunk_id,
    'the chunk leaves a gap before it' as problem,
    ordered_chunks.reached_byte,
    ordered_chunks.first_byte,
    ordered_chunks.end_byte,
    ordered_chunks.reached_record_no,
    ordered_chunks.first_record_no,
    ordered_chunks.last_record_no
from ordered_chunks
where
    ordered_chunks.first_byte > ordered_chunks.reached_byte
    or ordered_chunks.first_record_no > ordered_chunks.reached_record_no + 1
    or ordered_chunks.end_byte < ordered_chunks.first_byte
union all
select
    files.file_id,
    ordered_chunks.chunk_id,
    'the file is loaded to another place than its last chunk reaches',
    files.loaded_bytes,
    ordered_chunks.first_byte,
    ordered_chunks.end_byte,
    files.loaded_records,
    ordered_chunks.first_record_no,
    ordered_chunks.last_record_no
from ingest.files
left join ordered_chunks on files.file_id = ordered_chunks.file_id and ordered_chunks.is_last
where
    files.loaded_bytes <> coalesce(ordered_chunks.end_byte, 0)
    or files.loaded_records <> coalesce(ordered_chunks.last_record_no, 0)
order by file_id, chunk_id;
