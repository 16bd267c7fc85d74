-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

-- Counts the sums by product anew, from the table.
create or replace function ingest.rebuild_product_stats()
returns void
language plpgsql
as $$
declare
    gain_facts constant ingest.gain_facts := ingest.gain_facts();
begin
    perform ingest.prepare_merge('ingest');
    delete from ingest.product_stats;
    insert into rollup_gains
    select
        grouping(product_id) = 0, is_recent, bucket, event_type, product_day, product_id,
        count(*),
        count(*) filter (where event_type = 'purchase'),
        coalesce(sum(quantity), 0),
        coalesce(sum(quantity) filter (where event_type = 'purchase'), 0),
        coalesce(sum(quantity * price) filter (where event_type = 'purchase'), 0)
    from public.events
    cross join lateral ingest.gain_times(event_timestamp, gain_facts)
    group by grouping sets ((is_recent, bucket, event_type), (product_day, product_id));
    perform ingest.update_product_stats();
    delete from rollup_gains;
end
$$;

-- Tables that are older than their sums: counted once, when the sums come in (sql/engine/totals.sql).
do $$
begin
    if
        not exists (select from ingest.totals)
        and not exists (select from ingest.file_stats)
        and not exists (select from ingest.file_changes)
        and (exists (select from ingest.files) or exists (select from ingest.batches))
    then
        perform ingest.rebuild_totals();
        perform ingest.rebuild_product_stats();
    end if;
end
$$;
