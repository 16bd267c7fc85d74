-- Which files failed or were skipped, why, and when are they retried?
-- Columns: path, state, problem, problem_detail, attempts, next_attempt_at, copy_of
select
    files.path,
    files.state,
    files.problem,
    files.problem_detail,
    files.attempts,
    files.next_attempt_at,
    originals.path as copy_of
from ingest.files
left join ingest.files as originals on files.copy_of = originals.file_id
where files.state in ('failed', 'skipped')
order by files.updated_at desc, files.path
limit 100;
