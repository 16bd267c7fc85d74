-- No index that was dropped for a backlog waits to be made again while no ingest is at work.
select
    deferred_indexes.table_name,
    deferred_indexes.index_name,
    deferred_indexes.deferred_at,
    deferred_indexes.problem
from ingest.deferred_indexes
where
    deferred_indexes.problem is not null
    or not exists (
        select from ingest.workers
        where workers.stream_id = deferred_indexes.stream_id and workers.lease_until > clock_timestamp()
    );
