/** What the table refuses of an upsert, a record or a change that a trigger leaves out: the batch is merged in pieces, in its order. */
import { list, sql } from "./sql-text.ts";
import type { StreamSql } from "./stream-sql.ts";
import { versionColumn } from "./upsert-records.ts";
import { brokenConditions, sparedConditions } from "./verdict.ts";

export const upsertOrRefuse = (stream: StreamSql): string => [mergeWhole(stream), mergeInPieces(stream)].join("\n");

export const mergePieces = (stream: StreamSql) => sql`
-- As ingest.insert_candidates of other streams: merges the candidates of these positions. Returns how many rows a trigger left as
-- they were.
create or replace function ingest.insert_candidates(first_position bigint, last_position bigint)
returns bigint
language plpgsql
set enable_seqscan = off
as $$
begin
    delete from piece_records;
    insert into piece_records
    select
        chunk_id, record_no,
        ${list(stream.columns, ({ ident }) => ident)},
        ${stream.extras}
    from candidate_records
    where candidate_records.position between first_position and last_position
    order by candidate_records.position;
    return ingest.merge_records(is_piece => true);
end
$$;
`;

const mergeWhole = (stream: StreamSql) => sql`
-- Merges the batch at once. Where the table refuses a record, or a trigger leaves one out, it is merged in pieces, down to the
-- record at fault: that is then among rejected_records.
create or replace function ingest.insert_or_refuse()
returns void
language plpgsql
as $$
declare
    moved_before constant bigint := ingest.moved_rows();
    said_context text;
begin
    begin
        if ingest.merge_records(is_piece => false) > 0 then
            raise exception '%', ingest.silent_refusal() ->> 'message' using errcode = 'triggered_action_exception';
        end if;
        perform ingest.end_writing(moved_before);
    exception
        when others or assert_failure then
            get stacked diagnostics said_context = pg_exception_context;
            if not ingest.may_be_of_record(sqlstate, said_context) then
                raise;
            end if;
            ${sparedConditions(stream, "perform ingest.merge_in_pieces();")}
    end;
    ${versionColumn(stream) === null ? notedChunks(stream) : ""}
end
$$;
`;

/** The rows of the slices are locked. */
const notedChunks = (stream: StreamSql) => sql`
-- Chunks before these come too late from now on.
update ingest.slices
set last_chunk = greatest(slices.last_chunk, merged.last_chunk)
from (
    select slice_numbers.slice_no, max(batch_chunks.chunk_id) as last_chunk
    from batch_chunks
    inner join generate_series(0, 15) as slice_numbers (slice_no)
        on (1 << slice_numbers.slice_no) & batch_chunks.todo_slices <> 0
    where not batch_chunks.is_restaged
    group by slice_numbers.slice_no
) as merged
where
    slices.stream_id = ${stream.streamId}
    and slices.slice_no = merged.slice_no
    and slices.last_chunk < merged.last_chunk;`;

const mergeInPieces = (stream: StreamSql) => sql`
create or replace function ingest.merge_in_pieces()
returns void
language plpgsql
as $$
declare
    refused jsonb[];
begin
    perform ingest.choose_candidates(is_exchange => false);
    insert into rejected_records (chunk_id, record_no${stream.conditions === null ? "" : ", reasons"})
    select staged.chunk_id, staged.record_no${brokenConditions(stream, "staged")}
    from (select ${stream.facts}() as facts offset 0) as known
    cross join lateral ingest.staged_values(ingest.plan_scan(), known.facts) as staged
    where not staged.is_valid;

    perform ingest.try_candidates(0, 0, is_exchange => false);
    refused := ingest.search_candidates(is_exchange => false);
    insert into rejected_records (chunk_id, record_no, refusal)
    select
        (refused_list.refusal ->> 'chunkId')::bigint,
        (refused_list.refusal ->> 'recordNo')::bigint,
        refused_list.refusal - array['chunkId', 'recordNo']
    from unnest(refused) as refused_list (refusal);
    drop table candidate_records;
end
$$;
`;
