import { stagedExtraColumns } from "../stream.ts";
import { lines, list, literal, sql } from "./sql-text.ts";
import { idents, type StreamSql, typedColumns } from "./stream-sql.ts";

export const renderStaging = (stream: StreamSql): string => sql`
-- The staging table: raw text as COPY delivers it, one row a record, owed nothing (UNLOGGED: empty after a crash).
-- A staged row counts only while a chunk in state 'staged' names its load. Only the pipeline reads this table.
--
-- It has six lanes. Loads fill one; when that holds enough and another is empty they move on, and a lane whose loads
-- are all spent is truncated. So spent rows cost nothing to remove (DELETE: 1 s of CPU per million), merges read no
-- old ones, and nothing ever needs VACUUM, which would leave the planner with figures of a moment that is gone.
--
-- When the definition below changes, the old table is dropped: its chunks fail their count and are staged again.
do $$
declare
    definition constant text := ${literal(definition(stream))};
    lane smallint;
begin
    if obj_description(to_regclass('ingest.staging'), 'pg_class') is distinct from definition then
        drop table if exists ingest.staging cascade;
        create table ingest.staging (
            load_id bigint not null,
            chunk_id bigint not null,
            record_no bigint not null,
            -- The second of its time since 1970, when the loader has seen that its values stand in the commonest form that the
            -- rules pass (src/engine/read/is-plain.ts); else null.
            plain_second bigint,
            -- the share of the key space that the record's key falls into, as the loader tells it
            slice_no smallint not null,
            -- In front of all text: every scan asks for it, and unpacks a row up to there.
            lane smallint not null default 0,
            -- {"reason", "line", "byte", "raw"} of a record that could not be split into values
            problem text,
            ${typedPlaces(stream)}${lines(idents(stream), (ident) => `${ident} text`)},
            -- parsed records: unknown columns as the text of one JSON object
            ${stream.extras} text,
            -- verbatim records: unknown columns in the order of files.extra_columns
            ${list(Array.from({ length: stagedExtraColumns }, (_, index) => `extra_${index + 1} text`))}
        ) partition by list (lane);
        foreach lane in array ingest.lanes() loop
            execute format(
                'create unlogged table ingest.staging_%s partition of ingest.staging (lane default %s)
                for values in (%s) with (autovacuum_enabled = false)',
                lane, lane, lane
            );
        end loop;
        execute format('comment on table ingest.staging is %L', definition);
    end if;
end
$$;
`;

/** What tells that the table is another than it was. */
const definition = (stream: StreamSql) =>
    [
        "staging, 6 lanes, plain second",
        ...(stream.made === null ? idents(stream) : []),
        ...typedColumns(stream).map(({ typed, type }) => `${typed} ${type}`),
    ].join(", ");

/** In front of the text: of a row that has these, no text is there. */
const typedPlaces = (stream: StreamSql) =>
    typedColumns(stream).length === 0
        ? ""
        : `-- what COPY has made typed of a record: then its texts are not there\n${lines(typedColumns(stream), ({ typed, type }) => `${typed} ${type}`)},\n`;
