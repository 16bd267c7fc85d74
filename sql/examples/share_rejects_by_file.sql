-- Which files have the largest share of rejects, and why? Replays do not count, because they read records again.
-- Columns: path, records, rejected, percent, reasons
with
    counted_records as (
        select
            chunks.file_id,
            sum(chunk_merges.read) as records,
            sum(chunk_merges.rejected) as rejected
        from ingest.chunk_merges
        inner join ingest.chunks on chunk_merges.chunk_id = chunks.chunk_id
        where chunk_merges.slices <> 0
        group by chunks.file_id
    ),

    counted_reasons as (
        select
            chunks.file_id,
            reason_list.reason,
            count(*) as rejects
        from ingest.rejects
        inner join ingest.chunks on rejects.chunk_id = chunks.chunk_id
        cross join lateral unnest(rejects.reasons) as reason_list (reason)
        where rejects.kind = 'rejected' and rejects.resolved_by_batch is null
        group by chunks.file_id, reason_list.reason
    ),

    listed_reasons as (
        select
            counted_reasons.file_id,
            jsonb_object_agg(counted_reasons.reason, counted_reasons.rejects) as reasons
        from counted_reasons
        group by counted_reasons.file_id
    )

select
    files.path,
    counted_records.records,
    counted_records.rejected,
    round(100 * counted_records.rejected / counted_records.records, 1) as percent,
    listed_reasons.reasons
from counted_records
inner join ingest.files on counted_records.file_id = files.file_id
left join listed_reasons on counted_records.file_id = listed_reasons.file_id
where counted_records.rejected > 0
order by percent desc, counted_records.rejected desc, files.path
limit 100;
