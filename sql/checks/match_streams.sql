-- Related rows name the same known stream: a chunk, its file and its load; a batch and its chunks; a chunk and its
-- rejects.
with
    placed_rows as (
        select
            'chunk of a file'::text as what,
            chunks.chunk_id as id,
            chunks.stream_id,
            files.stream_id as other_stream_id
        from ingest.chunks
        inner join ingest.files on chunks.file_id = files.file_id
        union all
        select
            'chunk of a load',
            chunks.chunk_id,
            chunks.stream_id,
            loads.stream_id
        from ingest.chunks
        inner join ingest.loads on chunks.load_id = loads.load_id
        union all
        select
            'batch of a chunk',
            chunk_merges.batch_id,
            batches.stream_id,
            chunks.stream_id
        from ingest.chunk_merges
        inner join ingest.batches on chunk_merges.batch_id = batches.batch_id
        inner join ingest.chunks on chunk_merges.chunk_id = chunks.chunk_id
        union all
        select
            'reject of a chunk',
            rejects.reject_id,
            rejects.stream_id,
            chunks.stream_id
        from ingest.rejects
        inner join ingest.chunks on rejects.chunk_id = chunks.chunk_id
        union all
        select
            'file of a stream',
            files.file_id,
            files.stream_id,
            streams.stream_id
        from ingest.files
        left join ingest.streams on files.stream_id = streams.stream_id
    )

select
    placed_rows.what,
    placed_rows.id,
    placed_rows.stream_id,
    placed_rows.other_stream_id
from placed_rows
where placed_rows.stream_id is distinct from placed_rows.other_stream_id;
