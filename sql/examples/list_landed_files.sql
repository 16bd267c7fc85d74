-- Which files landed in the last hour?
-- Columns: path, records, inserted, duplicate, conflict, rejected, last_batch_id, last_merged_at
select
    files.path,
    sum(chunk_merges.read) as records,
    sum(chunk_merges.inserted) as inserted,
    sum(chunk_merges.duplicate) as duplicate,
    sum(chunk_merges.conflict) as conflict,
    sum(chunk_merges.rejected) as rejected,
    max(batches.batch_id) as last_batch_id,
    max(batches.finished_at) as last_merged_at
from ingest.batches
inner join ingest.chunk_merges on batches.batch_id = chunk_merges.batch_id
inner join ingest.chunks on chunk_merges.chunk_id = chunks.chunk_id
inner join ingest.files on chunks.file_id = files.file_id
where batches.finished_at >= now() - interval '1 hour' and batches.kind = 'merge'
group by files.file_id, files.path
order by last_merged_at desc, files.path;
