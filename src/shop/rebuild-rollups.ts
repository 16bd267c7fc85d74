import { sql } from "../streams/render/sql-text.ts";
import type { MadeTable, StreamSql } from "../streams/render/stream-sql.ts";

export const renderRebuild = ({ table }: StreamSql, { rollups }: MadeTable): string => sql`
-- Counts the sums by product anew, from the table.
create or replace function ingest.rebuild_product_stats()
returns void
language plpgsql
as $$
declare
    gain_facts constant ${rollups.facts} := ${rollups.facts}();
begin
    perform ingest.prepare_merge('ingest');
    delete from ingest.product_stats;
    ${rollups.gains(table, 1)};
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
`;
