-- A dry run of one slice: the very functions of a merge on the very tables, and never anything left of it.
--
-- In: the slice, and for each tried file the chunk number under which its records stand in the session's temporary
-- table try_staging (made by open_try; COPY fills it), its unknown columns and whether it is padded. Out: always the
-- exception SL003, whose DETAIL is the answer as JSON: the statement that answers is the statement that undoes. There is
-- no transaction to forget, and no moment at which a kill leaves a row.
--
-- It locks its one slice, waiting, for as long as a sixteenth of the records takes to merge: merges take what slices are
-- free and go on with the other fifteen. Nothing is written to the ledger. What stays is dead rows for VACUUM.
create or replace function ingest.open_try()
returns void
language plpgsql
as $$
begin
    create temporary table try_staging (like ingest.staging including defaults);
end
$$;

create or replace function ingest.try_slice(this_stream smallint, tried_slice integer, tried_files jsonb, samples integer)
returns void
language plpgsql
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = 'force_custom_plan'
set work_mem = '128MB'
set jit = off
set enable_mergejoin = off
as $$
declare
    no_batch constant bigint := -1;
begin
    perform ingest.prepare_merge();
    perform
    from ingest.slices
    where slices.stream_id = this_stream and slices.slice_no = tried_slice
    for update;

    insert into ingest.staging
    select try_staging.*
    from pg_temp.try_staging
    where try_staging.slice_no = tried_slice;
    perform ingest.add_restaged_chunk(
        tried."chunkId", no_batch, 1 << tried_slice, tried."extraColumns", tried."isPadded"
    )
    from jsonb_to_recordset(tried_files) as tried ("chunkId" bigint, "extraColumns" text[], "isPadded" boolean);

    perform ingest.count_records();
    perform ingest.insert_or_refuse();
    perform ingest.classify_losers();
    perform ingest.reject_records(no_batch);
    raise exception 'a slice that was only tried'
    using errcode = 'SL003', detail = ingest.describe_try(no_batch, samples)::text;
end
$$;

-- The counts of each file, its reject reasons, and of each a few records.
create or replace function ingest.describe_try(no_batch bigint, samples integer)
returns jsonb
language plpgsql
as $$
begin
    return (
        with rejected_records as materialized (
            select
                rejects.*,
                reason_list.reason,
                row_number() over (partition by rejects.chunk_id, reason_list.reason order by rejects.record_no) as position
            from ingest.rejects
            cross join lateral unnest(rejects.reasons) as reason_list (reason)
            where rejects.batch_id = no_batch
        ),
        counted_reasons as (
            select
                rejected_records.chunk_id as "chunkId",
                rejected_records.reason,
                count(*) as records,
                jsonb_agg(
                    ingest.in_camel_case(
                        to_jsonb(rejected_records), array['record_no', 'line_no', 'byte_offset', 'record', 'refusal']
                    ) || jsonb_build_object(
                        'rawText', left(rejected_records.raw_text, 500),
                        'stored', case
                            when rejected_records.kind = 'conflict' then ingest.stored_record(rejected_records.record)
                        end
                    )
                    order by rejected_records.record_no
                ) filter (where rejected_records.position <= samples) as samples
            from rejected_records
            group by rejected_records.chunk_id, rejected_records.reason
        ),
        inserted_samples as (
            select batch_chunks.chunk_id as "chunkId", sampled_records.*
            from batch_chunks
            cross join lateral (
                select
                    staging.record_no as "recordNo",
                    ingest.raw_record(staging, batch_chunks.extra_columns) as record
                from ingest.staging
                where
                    staging.load_id = no_batch
                    and staging.chunk_id = batch_chunks.chunk_id
                    and not exists (
                        select from ingest.rejects
                        where
                            rejects.batch_id = no_batch
                            and rejects.chunk_id = staging.chunk_id
                            and rejects.record_no = staging.record_no
                    )
                    and not exists (
                        select from losing_records
                        where
                            losing_records.chunk_id = staging.chunk_id
                            and losing_records.record_no = staging.record_no
                    )
                order by staging.record_no
                limit samples
            ) as sampled_records
        )
        select jsonb_build_object(
            'files', (
                select jsonb_agg(
                    ingest.in_camel_case(
                        to_jsonb(batch_chunks),
                        array['chunk_id', 'read', 'inserted', 'duplicate', 'conflict', 'rejected']
                    )
                )
                from batch_chunks
            ),
            'reasons', (select coalesce(jsonb_agg(to_jsonb(counted_reasons)), '[]') from counted_reasons),
            'inserted', (select coalesce(jsonb_agg(to_jsonb(inserted_samples)), '[]') from inserted_samples)
        )
    );
end
$$;
