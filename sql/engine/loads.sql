-- Loading: a lease says who may load, a load id fences every attempt, and the ledger names the one load of a chunk
-- that counts. The database's clock decides, never a worker's.

-- Registers or renews a worker. Called every few seconds, with what the worker wants status to know. Workers whose lease
-- has run out are struck off the list: killed ones will not do it, and one that was only frozen enters itself again.
create or replace function ingest.renew_worker(
    worker uuid,
    worker_host text,
    worker_pid integer,
    worker_input_dir text,
    lease interval,
    worker_report jsonb
)
returns void
language sql
begin atomic
    insert into ingest.workers (worker_id, host, pid, input_dir, lease_until, report)
    values (worker, worker_host, worker_pid, worker_input_dir, clock_timestamp() + lease, worker_report)
    on conflict (worker_id) do update
    set lease_until = excluded.lease_until, report = excluded.report;

    delete from ingest.workers
    where workers.lease_until < clock_timestamp();
end;

-- True when `worker` now holds the right to load, until the lease runs out. Taking it over from another worker
-- abandons that one's loads and terminates their backends: a COPY that waits for its client ends in no other way.
create or replace function ingest.take_loader_lease(worker uuid, lease interval)
returns boolean
language plpgsql
as $$
declare
    holder uuid;
begin
    select loader_lease.worker_id into holder
    from ingest.loader_lease
    where
        loader_lease.worker_id is null
        or loader_lease.worker_id = worker
        or loader_lease.lease_until < clock_timestamp()
    for update skip locked;
    if not found then
        return false;
    end if;

    update ingest.loader_lease
    set worker_id = worker, lease_until = clock_timestamp() + lease;

    if holder is distinct from worker then
        perform ingest.abandon_loads(array(
            select loads.load_id
            from ingest.loads
            where loads.state = 'loading' and loads.worker_id <> worker
        ));
    end if;
    return true;
end
$$;

-- Gives the right to load back, and leaves the list of workers.
create or replace function ingest.retire_worker(worker uuid)
returns void
language sql
begin atomic
    update ingest.loader_lease
    set worker_id = null, lease_until = null
    where loader_lease.worker_id = worker;

    delete from ingest.workers
    where workers.worker_id = worker;
end;

-- Opens a load on the connection that will COPY, and reserves the ids of its chunks. Committed before the COPY begins.
create or replace function ingest.begin_load(worker uuid, load_way text, chunk_count integer)
returns table (load_id bigint, chunk_ids bigint[])
language plpgsql
as $$
begin
    if not exists (
        select from ingest.loader_lease
        where loader_lease.worker_id = worker and loader_lease.lease_until > clock_timestamp()
    ) then
        raise exception 'worker % no longer holds the right to load', worker using errcode = 'SL001';
    end if;

    insert into ingest.loads (worker_id, backend_pid, backend_start, way)
    select worker, activity.pid, activity.backend_start, load_way
    from pg_stat_activity as activity
    where activity.pid = pg_backend_pid()
    returning loads.load_id into begin_load.load_id;

    begin_load.chunk_ids := array(
        select nextval('ingest.chunks_chunk_id_seq')
        from generate_series(1, chunk_count)
    );
    return next;
end
$$;

-- Ends a load: from here on its rows count. `staged_chunks` is a JSON array of
-- {chunkId, fileId, firstByte, endByte, firstRecordNo, firstLineNo, endLineNo, records, contentHash, isPadded, atEnd, tailByte,
--  tailRecordNo, tailLineNo, sizeBytes, mtimeNs, inode, header, extraColumns, missingColumns, ignoredColumns, dialect, source, isAgain}; `isAgain` marks a chunk that is staged again.
-- Raises SL001 when the load was abandoned meanwhile, or a file is not where the loader believed it to be.
create or replace function ingest.record_load(fenced_load_id bigint, load_bytes bigint, staged_chunks jsonb)
returns void
language plpgsql
as $$
declare
    expected_count integer := jsonb_array_length(staged_chunks);
    actual_count integer;
begin
    update ingest.loads
    set
        state = 'staged',
        bytes = load_bytes,
        records = (
            select coalesce(sum((staged_chunk ->> 'records')::bigint), 0)
            from jsonb_array_elements(staged_chunks) as elements (staged_chunk)
        ),
        ended_at = clock_timestamp()
    where loads.load_id = fenced_load_id and loads.state = 'loading';
    if not found then
        raise exception 'load % was taken over by another worker', fenced_load_id using errcode = 'SL001';
    end if;

    with staged as (
        select *
        from jsonb_to_recordset(staged_chunks) as fields (
            "chunkId" bigint, "fileId" bigint, "firstByte" bigint, "endByte" bigint, "firstRecordNo" bigint,
            "firstLineNo" bigint, "records" bigint, "contentHash" text, "isPadded" boolean,
            "isAgain" boolean
        )
    ),
    restaged_chunks as (
        update ingest.chunks
        set load_id = fenced_load_id, state = 'staged', is_padded = staged."isPadded", staged_at = clock_timestamp(), problem = null
        from staged
        where
            staged."isAgain"
            and chunks.chunk_id = staged."chunkId"
            and chunks.state = 'pending'
            and chunks.content_hash = staged."contentHash"
            and chunks.records = staged."records"
        returning chunks.chunk_id
    ),
    new_chunks as (
        insert into ingest.chunks (
            chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records, content_hash,
            is_padded, load_id, state, staged_at
        )
        select
            "chunkId", "fileId", "firstByte", "endByte", "firstRecordNo", "firstLineNo", "records", "contentHash",
            "isPadded", fenced_load_id, 'staged', clock_timestamp()
        from staged
        where not staged."isAgain"
        order by "chunkId"
        returning chunks.chunk_id
    )
    select (select count(*) from restaged_chunks) + (select count(*) from new_chunks) into actual_count;
    if actual_count <> expected_count then
        raise exception 'a chunk of load % is no longer waiting to be staged', fenced_load_id using errcode = 'SL001';
    end if;

    -- Chunks first, then files, each in the order of their ids: the order in which the merge locks them too.
    with staged as (
        select *
        from jsonb_to_recordset(staged_chunks) as fields (
            "fileId" bigint, "firstByte" bigint, "endByte" bigint, "firstRecordNo" bigint, "records" bigint,
            "endLineNo" bigint, "atEnd" boolean, "tailByte" bigint, "tailRecordNo" bigint,
            "tailLineNo" bigint, "sizeBytes" bigint, "mtimeNs" bigint, "inode" numeric, "header" text[], "extraColumns" text[],
            "missingColumns" text[], "ignoredColumns" text[], "dialect" jsonb, "source" jsonb, "contentHash" text, "isAgain" boolean
        )
        where not "isAgain"
    ),
    locked_files as materialized (
        select files.file_id
        from ingest.files
        where files.file_id in (select "fileId" from staged)
        order by files.file_id
        for update
    ),
    advanced_files as (
        update ingest.files
        set
            state = case when staged."atEnd" then 'loaded' else 'pending' end,
            loaded_bytes = staged."endByte",
            loaded_records = staged."firstRecordNo" + staged."records" - 1,
            loaded_lines = staged."endLineNo",
            tail_byte = staged."tailByte",
            tail_record_no = staged."tailRecordNo",
            tail_line_no = staged."tailLineNo",
            size_bytes = staged."sizeBytes",
            mtime_ns = staged."mtimeNs",
            inode = staged."inode",
            header = staged."header",
            extra_columns = staged."extraColumns",
            missing_columns = staged."missingColumns",
            ignored_columns = staged."ignoredColumns",
            dialect = staged."dialect",
            source = nullif(staged."source", 'null'::jsonb),
            content_hash = case
                when staged."atEnd" and staged."firstByte" = 0 then staged."contentHash"
            end,
            attempts = 0,
            next_attempt_at = null,
            problem = null,
            problem_detail = null,
            updated_at = clock_timestamp()
        from staged
        where
            files.file_id in (select locked_files.file_id from locked_files)
            and files.file_id = staged."fileId"
            and files.state in ('pending', 'failed')
            and coalesce(files.tail_byte, files.loaded_bytes) = staged."firstByte"
        returning files.file_id
    )
    select
        (select count(*) from staged) - (select count(*) from advanced_files)
    into actual_count;
    if actual_count <> 0 then
        raise exception 'a file of load % has moved on meanwhile', fenced_load_id using errcode = 'SL001';
    end if;
end
$$;

-- Marks loads as given up and ends the backends that may still be writing their rows; sweep_staging removes the rows.
create or replace function ingest.abandon_loads(load_ids bigint[])
returns void
language plpgsql
as $$
begin
    perform pg_terminate_backend(activity.pid)
    from ingest.loads
    inner join pg_stat_activity as activity
        on activity.pid = loads.backend_pid and activity.backend_start = loads.backend_start
    where loads.load_id = any(load_ids) and loads.state = 'loading' and activity.pid <> pg_backend_pid();

    update ingest.loads
    set state = 'abandoned', ended_at = clock_timestamp()
    where loads.load_id = any(load_ids) and loads.state = 'loading';
end
$$;

-- Removes the staged rows that no longer count, and says how many: those of loads whose every chunk has moved on, and
-- of abandoned loads once their backend is gone. Only the holder of the loader's lease calls this, between two loads.
-- TRUNCATE when nothing else is staged (free), else DELETE (1 s of CPU per million rows).
create or replace function ingest.sweep_staging()
returns bigint
language plpgsql
as $$
declare
    spent_loads bigint[];
    swept_rows bigint := 0;
    is_alone boolean;
begin
    select array_agg(loads.load_id)
    into spent_loads
    from ingest.loads
    where
        (
            loads.state = 'staged'
            and not exists (
                select from ingest.chunks
                where chunks.load_id = loads.load_id and chunks.state = 'staged'
            )
        )
        or (
            loads.state = 'abandoned'
            and not exists (
                select from pg_stat_activity as activity
                where activity.pid = loads.backend_pid and activity.backend_start = loads.backend_start
            )
        );
    if spent_loads is null then
        return 0;
    end if;

    is_alone := not exists (
        select from ingest.loads
        where loads.state in ('loading', 'staged', 'abandoned') and loads.load_id <> all(spent_loads)
    );
    if is_alone then
        begin
            set local lock_timeout = '50ms';
            truncate ingest.staging;
            select coalesce(sum(loads.records), 0) into swept_rows
            from ingest.loads
            where loads.load_id = any(spent_loads);
        exception
            when lock_not_available then
                is_alone := false;
        end;
        set local lock_timeout = 0;
    end if;
    if not is_alone then
        delete from ingest.staging
        where staging.load_id = any(spent_loads);
        get diagnostics swept_rows = row_count;
    end if;

    update ingest.loads
    set state = 'swept'
    where loads.load_id = any(spent_loads);
    return swept_rows;
end
$$;
