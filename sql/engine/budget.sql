-- Reject budgets: with one set, the loader stages chunks as 'held', which no merge takes. When all that a file has now is
-- staged, its held chunks are validated together, as by a merge, and released or taken back as a whole.
--
-- One statement per round of the loader, for files that are loaded, or whose rest is an unfinished tail. Without a budget
-- (both null) everything is released: a budget that was taken away holds no file. A file over its budget fails; one that lost
-- staged rows is loaded again. Returns the files that were validated.
create or replace function ingest.validate_held_files(
    this_stream smallint,
    waiting_file_ids bigint[],
    most_rejects bigint,
    most_ratio double precision
)
returns table (path text, verdict text, detail text)
language plpgsql
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = 'force_custom_plan'
set work_mem = '128MB'
set jit = off
set enable_mergejoin = off
as $$
declare
    held_file record;
begin
    -- A file that was rewritten or failed before it was all there is read anew when it is read again.
    perform ingest.take_back_chunks(held_files.file_id)
    from ingest.held_files(this_stream) as held_files
    where held_files.state in ('replaced', 'failed');

    for held_file in
        select held_files.file_id, held_files.path
        from ingest.held_files(this_stream) as held_files
        where held_files.state = 'loaded' or held_files.file_id = any(waiting_file_ids)
    loop
        validate_held_files.path := held_file.path;
        if most_rejects is null and most_ratio is null then
            verdict := 'released';
            detail := null;
        else
            select validated.verdict, validated.detail
            into validate_held_files.verdict, validate_held_files.detail
            from ingest.validate_held_file(this_stream, held_file.file_id, most_rejects, most_ratio) as validated;
        end if;

        if verdict = 'released' then
            update ingest.chunks
            set state = 'staged'
            where chunks.file_id = held_file.file_id and chunks.state = 'held';
        else
            perform ingest.take_back_chunks(held_file.file_id);
            update ingest.files
            set
                state = case when verdict = 'failed' then 'failed' else 'pending' end,
                problem = case when verdict = 'failed' then 'too_many_rejects' end,
                problem_detail = validate_held_files.detail,
                attempts = files.attempts + 1,
                next_attempt_at = null,
                updated_at = clock_timestamp()
            where files.file_id = held_file.file_id;
        end if;
        return next;
    end loop;
end
$$;

create or replace function ingest.held_files(this_stream smallint)
returns setof ingest.files
language sql
stable
as $$
select files.*
from ingest.files
where
    files.stream_id = this_stream
    and exists (select from ingest.chunks where chunks.file_id = files.file_id and chunks.state = 'held')
order by files.file_id
$$;

-- Validates a file whose held chunks are all there is of it now. The verdict is released, failed, or lost, when it has to be
-- loaded again because staged rows were lost. The rejects that are written to find out are deleted again.
create or replace function ingest.validate_held_file(
    this_stream smallint,
    held_file_id bigint,
    most_rejects bigint,
    most_ratio double precision,
    out verdict text,
    out detail text
)
language plpgsql
as $$
declare
    no_batch constant bigint := -1;
    home constant text := ingest.home_of(this_stream);
    counted record;
begin
    perform ingest.prepare_merge(home);
    perform ingest.add_staged_chunks(
        array(
            select chunks.chunk_id
            from ingest.chunks
            where chunks.file_id = held_file_id and chunks.state = 'held'
        ),
        ingest.all_slices()
    );
    execute format('select %I.count_records()', home);
    execute format('select %I.validate_records()', home);
    execute format('select %I.reject_records($1)', home) using no_batch;
    select
        sum(batch_chunks.records)::bigint as records,
        sum(batch_chunks.rejected)::bigint as rejected,
        bool_or(batch_chunks.staged <> batch_chunks.records) as has_lost_rows
    into counted
    from batch_chunks;

    verdict := case
        when counted.has_lost_rows then 'lost'
        when counted.rejected > most_rejects or counted.rejected > most_ratio * counted.records then 'failed'
        else 'released'
    end;
    if verdict = 'failed' then
        detail := ingest.describe_rejects(no_batch, counted.rejected, counted.records);
    end if;
    delete from ingest.rejects where rejects.batch_id = no_batch;
    perform ingest.empty_batch();
end
$$;

-- Forgets the held chunks of a file, or those of these states: as if what they hold had never been read. Nothing of them was merged.
create or replace function ingest.take_back_chunks(held_file_id bigint, of_states text[] default array['held'])
returns void
language plpgsql
as $$
declare
    first_held ingest.chunks;
    reached_byte bigint;
    reached_record_no bigint;
begin
    select chunks.* into first_held
    from ingest.chunks
    where chunks.file_id = held_file_id and chunks.state = any(of_states)
    order by chunks.first_byte, chunks.chunk_id
    limit 1;

    delete from ingest.chunks
    where chunks.file_id = held_file_id and chunks.state = any(of_states);

    select coalesce(max(chunks.end_byte), 0), coalesce(max(chunks.first_record_no + chunks.records - 1), 0)
    into reached_byte, reached_record_no
    from ingest.chunks
    where chunks.file_id = held_file_id;

    update ingest.files
    set
        loaded_bytes = reached_byte,
        loaded_records = reached_record_no,
        loaded_lines = case when first_held.first_byte = 0 then 0 else first_held.first_line_no - 1 end,
        -- An unfinished tail had been taken before, and was read again with what followed it: so it will be once more.
        tail_byte = case when first_held.first_byte < reached_byte then first_held.first_byte end,
        tail_record_no = case when first_held.first_byte < reached_byte then first_held.first_record_no end,
        tail_line_no = case when first_held.first_byte < reached_byte then first_held.first_line_no end,
        content_hash = null
    where files.file_id = held_file_id;
end
$$;

-- The three most frequent reasons, where each is met first, and the first refused record as a sample.
create or replace function ingest.describe_rejects(this_batch_id bigint, rejected bigint, records bigint)
returns text
language sql
stable
as $$
with counted_reasons as (
    select reason_list.reason, count(*) as rejects, min(rejects.record_no) as first_record_no
    from ingest.rejects
    cross join lateral unnest(rejects.reasons) as reason_list (reason)
    where rejects.batch_id = this_batch_id
    group by reason_list.reason
    order by count(*) desc, reason_list.reason
    limit 3
),
first_reject as (
    select rejects.record_no, coalesce(rejects.raw_text, rejects.record::text) as raw
    from ingest.rejects
    where rejects.batch_id = this_batch_id
    order by rejects.record_no
    limit 1
)
select
    format(
        '%s of %s records would be rejected, and nothing of them got in: %s. Record %s: %s',
        rejected,
        records,
        (
            select
                string_agg(
                    format(
                        '%s %s (first in record %s)',
                        counted_reasons.rejects,
                        counted_reasons.reason,
                        counted_reasons.first_record_no
                    ),
                    ', '
                    order by counted_reasons.rejects desc, counted_reasons.reason
                )
            from counted_reasons
        ),
        first_reject.record_no,
        left(first_reject.raw, 300)
    )
from first_reject
$$;
