-- Which reasons occur, how many open rejects has each, and which is the latest? The cost does not depend on the history.
-- Columns: kind, reason, standing, resolved, first_rejected_at, last_rejected_at, last_reject_id
select
    reject_stats.kind,
    reject_stats.reason,
    sum(reject_stats.rejects - reject_stats.resolved) as standing,
    sum(reject_stats.resolved) as resolved,
    min(reject_stats.first_rejected_at) as first_rejected_at,
    max(reject_stats.last_rejected_at) as last_rejected_at,
    max(reject_stats.last_reject_id) as last_reject_id
from ingest.reject_stats
-- The reason '' counts each reject once, however many reasons it has.
where reject_stats.reason <> ''
group by reject_stats.kind, reject_stats.reason
order by standing desc, reject_stats.reason;
