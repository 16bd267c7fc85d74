-- Which of the last day's batches took longest, and in which phase? Milliseconds.
-- Columns: batch_id, finished_at, read, total_ms, choose_ms, count_ms, insert_ms, reject_ms, settle_ms, complete_ms, waited_ms
select
    batches.batch_id,
    batches.finished_at,
    batches.read,
    (batches.duration_ms ->> 'total')::numeric as total_ms,
    (batches.duration_ms ->> 'choose')::numeric as choose_ms,
    (batches.duration_ms ->> 'count')::numeric as count_ms,
    (batches.duration_ms ->> 'insert')::numeric as insert_ms,
    (batches.duration_ms ->> 'reject')::numeric as reject_ms,
    (batches.duration_ms ->> 'settle')::numeric as settle_ms,
    (batches.duration_ms ->> 'complete')::numeric as complete_ms,
    -- From the staging of its oldest chunk to its beginning.
    round(1000 * extract(epoch from batches.started_at - batches.oldest_staged_at), 1) as waited_ms
from ingest.batches
where batches.finished_at >= now() - interval '1 day'
order by total_ms desc
limit 20;
