-- Each chunk has as many events as its merges and replays inserted, minus those that a replay displaced. A pruned
-- chunk has at most as many as it has records.
with
    counted_rows as (
        select events.chunk_id, count(*) as events
        from public.events
        group by events.chunk_id
    ),

    summed_merges as (
        select
            chunk_merges.chunk_id,
            sum(chunk_merges.inserted - chunk_merges.displaced) as inserted
        from ingest.chunk_merges
        inner join ingest.chunks on chunk_merges.chunk_id = chunks.chunk_id
        where chunks.stream_id = 0
        group by chunk_merges.chunk_id
    )

select
    chunk_id,
    coalesce(summed_merges.inserted, 0) as inserted,
    coalesce(counted_rows.events, 0) as events
from summed_merges
full outer join counted_rows using (chunk_id)
left join ingest.chunks using (chunk_id)
where
    case
        when chunks.pruned_at is not null then coalesce(counted_rows.events, 0) > chunks.records
        else coalesce(summed_merges.inserted, 0) <> coalesce(counted_rows.events, 0)
    end;
