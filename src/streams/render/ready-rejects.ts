/** Which rejects lacked a row of another table, and have it now. */
import { allOf, sql } from "./sql-text.ts";
import type { ColumnSql, StreamSql } from "./stream-sql.ts";

export const readyRejects = (stream: StreamSql) => sql`
-- Of the next so many standing rejects behind this one that wait for a parent, those whose parents are all there; and the last
-- one that was looked at, null when there are no more. In the order in which they were rejected.
create or replace function ingest.ready_rejects(
    after_reject_id bigint,
    most integer,
    out ready bigint[],
    out last_reject_id bigint
)
language plpgsql
stable
as $$
begin
    ${stream.parents === null ? "ready := '{}';" : findReady(stream)}
end
$$;
`;

const findReady = (stream: StreamSql) => sql`
with waiting_rejects as materialized (
    select rejects.reject_id, rejects.record
    from ingest.rejects
    where
        rejects.stream_id = ${stream.streamId}
        and rejects.retry_when is not null
        and rejects.resolved_by_batch is null
        and rejects.record is not null
        and rejects.reject_id > after_reject_id
    order by rejects.reject_id
    limit most
)
select
    array(
        select waiting_rejects.reject_id
        from waiting_rejects
        where ${haveParents(stream)}
        order by waiting_rejects.reject_id
    ),
    (select max(waiting_rejects.reject_id) from waiting_rejects)
into ready, last_reject_id;`;

/** A record may have been edited since: a value that breaks a rule now is none. */
function haveParents({ parents, facts }: StreamSql): string {
    if (parents === null || parents.rules.length === 0) return "true";
    const value = (column: ColumnSql) => {
        const raw = `ingest.trimmed(waiting_rejects.record ->> '${column.name.replaceAll("'", "''")}')`;
        return column.cast(`case when ${column.passes(raw, `${facts}()`)} then ${raw} end`);
    };
    return sql`
(
    select
        ${allOf(parents.rules.map(({ condition }) => `(${condition}) is not false`))}
    from ${parents.row(value)}
)`;
}
