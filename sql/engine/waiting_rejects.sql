-- Rejects that wait for a row of another table (retry_when). The ingest replays them once it is there: src/engine/retry/.

-- As long as this stays the same, no stream has brought a parent, and no reject has begun to wait: how many rows have come, of all
-- time, into those tables that the foreign keys of this stream's table name and that are streams' of this database, and how many
-- rejects of this stream. A merge that began before its parent was committed may reject after that. Null when no reject waits.
create or replace function ingest.mark_of_waiting(this_stream smallint)
returns bigint
language sql
stable
return case
    when exists (
        select from ingest.rejects
        where
            rejects.stream_id = this_stream
            and rejects.retry_when is not null
            and rejects.resolved_by_batch is null
    )
    then (
        select coalesce(sum(totals.inserted), 0)::bigint
        from ingest.streams
        cross join lateral jsonb_to_recordset(
            coalesce(streams.shape #> '{contract,table,foreignKeys}', '[]')
        ) as foreign_keys ("parentSchema" text, "parentTable" text)
        inner join ingest.streams as parents
            -- By name, since to look a table up is to ask for rights on its schema.
            on parents.table_name = any(array[
                format('%I.%I', foreign_keys."parentSchema", foreign_keys."parentTable"),
                case when foreign_keys."parentSchema" = 'public' then format('%I', foreign_keys."parentTable") end
            ])
        inner join ingest.totals on totals.stream_id = parents.stream_id
        where streams.stream_id = this_stream
    ) + (
        select coalesce(sum(totals.rejected), 0)::bigint
        from ingest.totals
        where totals.stream_id = this_stream
    )
end;
