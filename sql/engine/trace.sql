-- The ledger's part of a trace. The stream's part is in src/streams/render/render-trace.ts.

-- These columns of a row in camel case: file_id is fileId.
create or replace function ingest.in_camel_case(ledger_row jsonb, columns text[])
returns jsonb
language sql
immutable
as $$
select jsonb_object_agg(lower(left(words.name, 1)) || substr(words.name, 2), ledger_row -> columns.name)
from unnest(columns) as columns (name)
cross join lateral (select replace(initcap(columns.name), '_', '') as name) as words
$$;

create or replace function ingest.trace_batch(traced_batch_id bigint)
returns jsonb
language sql
stable
as $$
select
    ingest.in_camel_case(to_jsonb(batches), array['batch_id', 'kind', 'worker_id', 'started_at'])
    || jsonb_build_object('committedAt', batches.finished_at)
from ingest.batches
where batches.batch_id = traced_batch_id
$$;

-- Its file, itself, and the load whose rows were merged.
create or replace function ingest.trace_chunk(traced_chunk_id bigint)
returns jsonb
language sql
stable
as $$
select
    jsonb_build_object(
        'file', ingest.in_camel_case(
            to_jsonb(files),
            array[
                'file_id', 'path', 'version', 'state', 'size_bytes', 'discovered_at', 'merged_at', 'archived_at',
                'archived_to'
            ]
        ),
        'chunk', ingest.in_camel_case(
            to_jsonb(chunks),
            array[
                'chunk_id', 'state', 'first_byte', 'end_byte', 'first_record_no', 'records', 'content_hash',
                'staged_at', 'merged_at'
            ]
        ),
        'load', case
            when loads.load_id is not null then ingest.in_camel_case(
                to_jsonb(loads), array['load_id', 'way', 'worker_id', 'started_at', 'ended_at']
            )
        end
    )
from ingest.chunks
inner join ingest.files on files.file_id = chunks.file_id
left join ingest.loads on loads.load_id = chunks.load_id
where chunks.chunk_id = traced_chunk_id
$$;

create or replace function ingest.trace_rejects(traced_chunk_id bigint, traced_record_no bigint)
returns jsonb
language sql
stable
as $$
select
    coalesce(
        jsonb_agg(
            ingest.in_camel_case(
                to_jsonb(rejects),
                array[
                    'reject_id', 'kind', 'reasons', 'record', 'original_record', 'raw_text', 'refusal', 'line_no',
                    'byte_offset', 'rejected_at', 'resolution', 'resolved_at'
                ]
            )
            || jsonb_build_object(
                'batch', ingest.trace_batch(rejects.batch_id),
                'resolvedBy', ingest.trace_batch(rejects.resolved_by_batch),
                'beside', case
                    when rejects.kind = 'conflict' and rejects.resolved_by_batch is null
                    then ingest.describe_reject(rejects.reject_id)
                end
            )
            order by rejects.reject_id
        ),
        '[]'
    )
from ingest.rejects
where rejects.chunk_id = traced_chunk_id and rejects.record_no = traced_record_no
$$;

-- The outcome of a record that is no row.
create or replace function ingest.trace_outcome(traced_chunk_id bigint, traced_record_no bigint)
returns text
language sql
stable
as $$
select
    coalesce(
        (
            select coalesce(rejects.resolution, rejects.kind)
            from ingest.rejects
            where
                rejects.chunk_id = traced_chunk_id
                and rejects.record_no = traced_record_no
                and (rejects.resolved_by_batch is null or rejects.resolution = 'displaced')
        ),
        case
            when exists (
                select from ingest.rejects
                where rejects.chunk_id = traced_chunk_id and rejects.record_no = traced_record_no
            ) then 'duplicate'
            -- It may have been anything.
            when chunks.pruned_at is not null then 'pruned'
            when chunks.state = 'merged' then 'duplicate'
            when chunks.state = 'failed' then 'failed'
            else 'waiting'
        end
    )
from ingest.chunks
where chunks.chunk_id = traced_chunk_id
$$;
