-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

-- Counts the sums by product anew, from the table.
create or replace function ingest.rebuild_product_stats()
returns void
language plpgsql
as $$
declare
    gain_facts constant ingest.gain_facts := ingest.gain_facts();
begin
    perform ingest.prepare_merge();
    delete from ingest.product_stats;
    insert into rollup_gains
    select
        grouping(dated.product_id) = 0, dated.is_recent, dated.bucket, dated.event_type, dated.product_day, dated.product_id,
        count(*),
        count(*) filter (where dated.event_type = 'purchase'),
        coalesce(sum(dated.quantity), 0),
        coalesce(sum(dated.quantity) filter (where dated.event_type = 'purchase'), 0),
        coalesce(sum(dated.quantity * dated.price) filter (where dated.event_type = 'purchase'), 0)
    from (
        select
            changed.event_type, changed.product_id, changed.quantity, changed.price,
            changed.event_timestamp >= gain_facts.recent_from as is_recent,
            date_bin(
                case when changed.event_timestamp >= gain_facts.recent_from then '1 minute' else '1 hour' end::interval,
                changed.event_timestamp,
                'epoch'
            ) as bucket,
            case
                when changed.event_timestamp >= gain_facts.first_product_day then
                    date_bin('1 day', changed.event_timestamp, 'epoch')
            end as product_day
        from public.events as changed
    ) as dated
    group by grouping sets ((dated.is_recent, dated.bucket, dated.event_type), (dated.product_day, dated.product_id));
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
