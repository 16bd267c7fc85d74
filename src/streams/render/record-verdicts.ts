/** What each rule says of a record today: for a trace. */
import { lines, list, literal, sql } from "./sql-text.ts";
import { names, type StreamSql } from "./stream-sql.ts";

export const recordVerdicts = (stream: StreamSql) => sql`
-- The verdict of each rule on a record's raw values today.
create or replace function ingest.record_verdicts(record jsonb)
returns jsonb
language sql
stable
as $$
select
    jsonb_agg(
        jsonb_build_object('column', verdicts.column_name, 'value', verdicts.value, 'reason', verdicts.reason)
        order by verdicts.position
    )
from (
    select
        rules.position,
        rules.column_name,
        record ->> rules.column_name as value,
        case rules.column_name
            ${lines(stream.columns, ({ name, reason }) => `when ${literal(name)} then ${reason("trimmed_values.value", "facts.facts")}`, "")}
        end as reason
    from unnest(
        array[${list(names(stream), literal)}]
    ) with ordinality as rules (column_name, position)
    cross join lateral (select ingest.trimmed(record ->> rules.column_name) as value) as trimmed_values
    cross join (select ${stream.facts}() as facts) as facts
) as verdicts
$$;
`;
