-- The totals of rejects, by stream, day, kind and reason, equal a count of the rejects. The reason '' counts each
-- reject once.
with
    counted_rejects as (
        select
            rejects.stream_id,
            (rejects.rejected_at at time zone 'UTC')::date as day,
            rejects.kind,
            reason_list.reason,
            count(*) as rejects,
            count(rejects.resolved_by_batch) as resolved,
            min(rejects.rejected_at) as first_rejected_at,
            max(rejects.rejected_at) as last_rejected_at,
            max(rejects.reject_id) as last_reject_id
        from ingest.rejects
        cross join lateral unnest(array_prepend('', rejects.reasons)) as reason_list (reason)
        group by 1, 2, 3, 4
    ),

    kept_stats as (
        select reject_stats.*
        from ingest.reject_stats
        -- A replay may take back what it has just written.
        where reject_stats.rejects <> 0 or reject_stats.resolved <> 0
    )

select
    stream_id,
    day,
    kind,
    reason,
    kept_stats.rejects,
    counted_rejects.rejects as recounted_rejects,
    kept_stats.resolved,
    counted_rejects.resolved as recounted_resolved,
    kept_stats.first_rejected_at,
    counted_rejects.first_rejected_at as recounted_first_rejected_at,
    kept_stats.last_rejected_at,
    counted_rejects.last_rejected_at as recounted_last_rejected_at,
    kept_stats.last_reject_id,
    counted_rejects.last_reject_id as recounted_last_reject_id
from kept_stats
full outer join counted_rejects using (stream_id, day, kind, reason)
where
    (
        kept_stats.rejects, kept_stats.resolved, kept_stats.first_rejected_at, kept_stats.last_rejected_at,
        kept_stats.last_reject_id
    ) is distinct from (
        counted_rejects.rejects, counted_rejects.resolved, counted_rejects.first_rejected_at,
        counted_rejects.last_rejected_at, counted_rejects.last_reject_id
    );
