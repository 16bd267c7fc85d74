-- Rendered by `bun run sql:render` from src/streams/render/. Change the template, not this file.

create or replace function ingest.open_try()
returns void
language plpgsql
as $$
begin
    create temporary table try_staging (like ingest.staging including defaults);
end
$$;

create or replace function ingest.stage_tried(tried_slice integer)
returns void
language plpgsql
as $$
begin
    insert into ingest.staging
    select try_staging.*
    from pg_temp.try_staging
    where tried_slice is null or try_staging.slice_no = tried_slice;
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
                    and not exists (
                        select from record_outcomes
                        where
                            record_outcomes.chunk_id = staging.chunk_id
                            and record_outcomes.record_no = staging.record_no
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
                        array['chunk_id', 'read', 'inserted', 'updated', 'duplicate', 'superseded', 'deleted', 'conflict', 'rejected', 'removed']
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
