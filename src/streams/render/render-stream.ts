import { list, literal, sql } from "./sql-text.ts";
import { keyName, type MadeTable, rowOf, type StreamSql } from "./stream-sql.ts";

export const renderStream = (stream: StreamSql, made: MadeTable): string => sql`
select ingest.add_stream(
    ${stream.streamId}::smallint,
    ${literal(rowOf(stream))},
    ${literal(stream.table)},
    'insert',
    jsonb_build_object(
        'key', ${literal(keyName(stream))},
        'columns', (
            select jsonb_agg(to_jsonb(columns))
            from (
                values
                ${list(
                    made.shape,
                    ({ name, type, notNull, hasDefault }) =>
                        `(${literal(name)}, ${literal(type)}, ${notNull}, ${hasDefault})`,
                )}
            ) as columns (name, type, "notNull", "hasDefault")
        )
    )
);

-- Asked first: an index that is made waits for everybody who writes, even if it is there.
do $$
begin
    if to_regclass('ingest.rejects_${keyName(stream)}') is null then
        -- For the rivals of a record. Cut: a value of any length may stand there.
        create index rejects_${keyName(stream)} on ingest.rejects (left(lower(btrim(record ->> '${keyName(stream)}')), 36));
    end if;
    if to_regclass('ingest.rejects_odd_conflicts') is null then
        -- The few conflicts that the index above does not find by their key.
        create index rejects_odd_conflicts on ingest.rejects (reject_id)
        where
            kind = 'conflict'
            and (
                original_record is not null
                or btrim(record ->> '${keyName(stream)}', E' \\t\\n\\r\\f\\x0b') <> btrim(record ->> '${keyName(stream)}')
            );
    end if;
end
$$;
`;
