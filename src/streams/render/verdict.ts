/** The verdict on a record, and the reasons for it. */
import { lines, list, sql } from "./sql-text.ts";
import { names, type StreamSql } from "./stream-sql.ts";

export const rejectReasons = (stream: StreamSql) => sql`
-- Every reason why a record is rejected, in the order of the columns; empty when it is not. Where nothing may need it, nothing
-- is trimmed: a rule asks for its value again and again, and the trims would cost more than the rules.
create or replace function ingest.reject_reasons(staged ingest.staging, is_padded boolean, facts ${stream.facts})
returns text[]
language sql
stable
return case
    when staged.problem is not null then array[staged.problem::jsonb ->> 'reason']
    else array_remove(
        array[
            ${lines(stream.columns, ({ name, reason }) => reason(`ingest.bare(staged.${name}, is_padded)`, "facts"))}
        ],
        null
    )
end;
`;

export const isValidRecord = (stream: StreamSql) => sql`
-- The merge's verdict on a record, of values that are trimmed. One expression, so that it is inlined where it is used.
create or replace function ingest.is_valid_record(
    problem text, plain_second bigint,
    ${list(names(stream), (name) => `${name} text`)},
    facts ${stream.facts}
)
returns boolean
language sql
stable
return case
    when ${stream.knownToPass("facts")} then true
    else
        problem is null
        ${lines(stream.columns, ({ name, reason }) => `and ${reason(name, "facts")} is null`, "")}
end;
`;
