-- No staged row belongs to a load that the ledger does not know or has already swept. One row per such load.
with
    staged_loads as (
        select
            staging.load_id,
            count(*) as staged_rows
        from ingest.staging
        group by staging.load_id
    )

select
    staged_loads.load_id,
    staged_loads.staged_rows,
    loads.state
from staged_loads
left join ingest.loads on staged_loads.load_id = loads.load_id
where loads.load_id is null or loads.state = 'swept';
