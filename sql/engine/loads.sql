-- Loading: a lease says who may load, a load id fences every attempt, and the ledger names the one load of a chunk
-- that counts. The database's clock decides, never a worker's.

-- Registers or renews a worker of a stream. Called every few seconds, with what the worker wants status to know.
create or replace function ingest.renew_worker(
    this_stream smallint,
    worker uuid,
    worker_host text,
    worker_pid integer,
    worker_input_dir text,
    lease interval,
    worker_report jsonb,
    worker_mark uuid,
    out previous_mark uuid,
    out server_started_at timestamptz
)
language plpgsql
as $$
begin
    previous_mark := (select workers.mark from ingest.workers where workers.worker_id = worker);
    server_started_at := pg_postmaster_start_time();

    insert into ingest.workers (stream_id, worker_id, host, pid, input_dir, lease_until, report, mark)
    values (
        this_stream, worker, worker_host, worker_pid, worker_input_dir, clock_timestamp() + lease, worker_report,
        worker_mark
    )
    on conflict (worker_id) do update
    set lease_until = excluded.lease_until, report = excluded.report, mark = excluded.mark;
end
$$;

-- Marks loads as given up and ends the backends that may still be writing their rows; sweep_staging removes the rows.
-- Waits for their end, which takes milliseconds: a COPY that waits for its client can be ended in no other way.
create or replace function ingest.abandon_loads(load_ids bigint[])
returns void
language plpgsql
as $$
begin
    perform pg_terminate_backend(activity.pid, 1000)
    from ingest.loads
    inner join pg_stat_activity as activity
        on activity.pid = loads.backend_pid and activity.backend_start = loads.backend_start
    where loads.load_id = any(load_ids) and loads.state = 'loading' and activity.pid <> pg_backend_pid();

    update ingest.loads
    set state = 'abandoned', ended_at = clock_timestamp()
    where loads.load_id = any(load_ids) and loads.state = 'loading';
end
$$;

-- A worker loads one thing at a time, or two directly side by side: between loads, one of its own that still says 'loading' has
-- failed, and the database was not there to be told.
create or replace function ingest.abandon_loads_of(worker uuid, but_load bigint default null)
returns void
language sql
begin atomic
    select ingest.abandon_loads(array(
        select loads.load_id
        from ingest.loads
        where loads.state = 'loading' and loads.worker_id = worker and loads.load_id is distinct from but_load
    ));
end;

-- True when `worker` now holds the right to load the stream, until the lease runs out. Taking it over from another worker
-- abandons that one's loads and terminates their backends: a COPY that waits for its client ends in no other way.
create or replace function ingest.take_loader_lease(this_stream smallint, worker uuid, lease interval)
returns boolean
language plpgsql
as $$
declare
    holder uuid;
begin
    -- Waited for: skipped, it would seem somebody else's as long as a session of the worker's own sweeps.
    select loader_lease.worker_id into holder
    from ingest.loader_lease
    where loader_lease.stream_id = this_stream and loader_lease.worker_id = worker
    for update;
    if not found then
        select loader_lease.worker_id into holder
        from ingest.loader_lease
        where
            loader_lease.stream_id = this_stream
            and (loader_lease.worker_id is null or loader_lease.lease_until < clock_timestamp())
        for update skip locked;
    end if;
    if not found then
        return false;
    end if;

    update ingest.loader_lease
    set worker_id = worker, lease_until = clock_timestamp() + lease
    where loader_lease.stream_id = this_stream;

    if holder is distinct from worker then
        perform ingest.abandon_loads(array(
            select loads.load_id
            from ingest.loads
            where loads.state = 'loading' and loads.stream_id = this_stream and loads.worker_id <> worker
        ));
    end if;
    return true;
end
$$;

-- One heartbeat of a process, which is a worker of each of its streams: registers or renews them, and takes the right to
-- load where it can. `beats` is a JSON array of {streamId, workerId, report, mark}. Workers whose lease has run out are struck
-- off the list: killed ones will not do it, and one that was only frozen enters itself again.
create or replace function ingest.renew_workers(
    beats jsonb,
    worker_host text,
    worker_pid integer,
    worker_input_dir text,
    lease interval
)
returns table (worker_id uuid, previous_mark uuid, server_started_at timestamptz, is_loader boolean)
language plpgsql
as $$
declare
    beat record;
begin
    -- In one order, or two processes could wait for each other.
    for beat in
        select *
        from jsonb_to_recordset(beats) as given_beats ("streamId" smallint, "workerId" uuid, report jsonb, mark uuid)
        order by given_beats."streamId"
    loop
        select renewed.previous_mark, renewed.server_started_at
        into renew_workers.previous_mark, renew_workers.server_started_at
        from ingest.renew_worker(
            beat."streamId", beat."workerId", worker_host, worker_pid, worker_input_dir, lease, beat.report, beat.mark
        ) as renewed;
        worker_id := beat."workerId";
        is_loader := ingest.take_loader_lease(beat."streamId", beat."workerId", lease);
        return next;
    end loop;

    delete from ingest.workers
    using (
        select expired_workers.worker_id
        from ingest.workers as expired_workers
        where expired_workers.lease_until < clock_timestamp()
        for update skip locked
    ) as expired_workers
    where workers.worker_id = expired_workers.worker_id;
end
$$;

-- Gives the right to load back, and leaves the list of workers.
create or replace function ingest.retire_worker(worker uuid)
returns void
language sql
begin atomic
    select ingest.abandon_loads_of(worker);

    update ingest.loader_lease
    set worker_id = null, lease_until = null
    where loader_lease.worker_id = worker;

    delete from ingest.workers
    where workers.worker_id = worker;
end;

-- The partitions of a stream's staging (sql/rendered/events/1_staging.sql).
create or replace function ingest.lanes()
returns smallint[]
language sql
immutable
return array[0, 1, 2, 3, 4, 5]::smallint[];

-- The lane of the stream's newest load whose rows may still be there; or, when that holds enough and another lane is empty, the empty
-- one, so that the full one can be truncated once it is spent. Every merge reads its lanes from end to end. So the first
-- lane has enough with 5,000 rows (20,000 took a merge of a hundred longer to pass than to insert its own), and each that is in
-- use with four times as many: a calm stream stays in small lanes, a backlog does not run out of them at once.
create or replace function ingest.choose_lane(this_stream smallint)
returns smallint
language sql
begin atomic
    with open_loads as (
        select loads.load_id, loads.lane, coalesce(loads.records, 0) as records
        from ingest.loads
        where loads.state in ('loading', 'staged', 'abandoned') and loads.stream_id = this_stream
    ),
    current_lane as (
        select
            open_loads.lane,
            (select sum(in_lane.records) from open_loads as in_lane where in_lane.lane = open_loads.lane) as records
        from open_loads
        order by open_loads.load_id desc
        limit 1
    ),
    empty_lane as (
        select lanes.lane
        from unnest(ingest.lanes()) as lanes (lane)
        where not exists (select from open_loads where open_loads.lane = lanes.lane)
        order by lanes.lane
        limit 1
    )
    select coalesce(
        (
            select empty_lane.lane
            from empty_lane
            where
                coalesce((select current_lane.records from current_lane), 0)
                >= 5000 * 4 ^ (select count(distinct open_loads.lane) - 1 from open_loads)
        ),
        (select current_lane.lane from current_lane),
        0::smallint
    );
end;

-- Raises SL001 where the worker no longer has the right to load: what it has seen of a file may be older than what the ledger was told
-- since.
create or replace function ingest.require_right_to_load(this_stream smallint, worker uuid)
returns void
language plpgsql
as $$
begin
    perform from ingest.loader_lease
    where
        loader_lease.stream_id = this_stream
        and loader_lease.worker_id = worker
        and loader_lease.lease_until > clock_timestamp();
    if not found then
        raise exception 'worker % no longer holds the right to load', worker using errcode = 'SL001';
    end if;
end
$$;

-- Opens a load on the connection that will COPY, and reserves the ids of its chunks. Committed before the COPY begins. `beside_load`
-- goes on meanwhile.
create or replace function ingest.begin_load(
    this_stream smallint, worker uuid, load_way text, chunk_count integer, beside_load bigint default null
)
returns table (load_id bigint, chunk_ids bigint[], lane smallint)
language plpgsql
as $$
begin
    if not exists (
        select from ingest.loader_lease
        where
            loader_lease.stream_id = this_stream
            and loader_lease.worker_id = worker
            and loader_lease.lease_until > clock_timestamp()
    ) then
        raise exception 'worker % no longer holds the right to load', worker using errcode = 'SL001';
    end if;
    perform ingest.abandon_loads_of(worker, beside_load);

    begin_load.lane := ingest.choose_lane(this_stream);
    insert into ingest.loads (stream_id, worker_id, backend_pid, backend_start, way, lane)
    select this_stream, worker, activity.pid, activity.backend_start, load_way, begin_load.lane
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

-- A loader's report of a chunk that it staged. `isAgain`: it is staged again. `isHeld`: it waits for the validation of its
-- whole file (sql/engine/budget.sql). `shapeNo`: the place, from 0, of its file's shape among the load's.
drop type if exists ingest.staged_chunk;
create type ingest.staged_chunk as (
    "chunkId" bigint, "fileId" bigint, "firstByte" bigint, "endByte" bigint, "firstRecordNo" bigint, "firstLineNo" bigint,
    "endLineNo" bigint, "records" bigint, "sliceRecords" integer[], "contentHash" text,
    "isPadded" boolean, "isTyped" boolean, "isAgain" boolean, "isHeld" boolean, "atEnd" boolean, "tailByte" bigint, "tailRecordNo" bigint,
    "tailLineNo" bigint, "sizeBytes" bigint, "mtimeNs" bigint, "ctimeNs" bigint, "inode" numeric,
    "versionTag" text, "shapeNo" integer
);
-- Its report of how a file is read.
drop type if exists ingest.file_shape;
create type ingest.file_shape as (
    "header" text[], "extraColumns" text[], "missingColumns" text[], "ignoredColumns" text[], "dialect" jsonb,
    "source" jsonb, "isUnmatched" boolean
);

-- Ends a load: from here on its rows count. `staged_chunks` and `file_shapes` are JSON arrays of the types above. Raises SL001 when
-- the load was abandoned meanwhile, or a file is not where the loader believed it to be.
create or replace function ingest.record_load(
    fenced_load_id bigint,
    load_bytes bigint,
    file_shapes jsonb,
    staged_chunks jsonb
)
returns void
language plpgsql
as $$
declare
    staged constant ingest.staged_chunk[] := array(
        select staged_chunk from jsonb_populate_recordset(null::ingest.staged_chunk, staged_chunks) as staged_chunk
    );
    load_stream smallint;
begin
    update ingest.loads
    set
        state = 'staged',
        bytes = load_bytes,
        records = (select coalesce(sum("records"), 0) from unnest(staged)),
        ended_at = clock_timestamp()
    where loads.load_id = fenced_load_id and loads.state = 'loading'
    returning loads.stream_id into load_stream;
    if not found then
        raise exception 'load % was taken over by another worker', fenced_load_id using errcode = 'SL001';
    end if;

    -- Chunks first, then files, each in the order of their ids: the order in which the merge locks them too.
    if ingest.record_chunks(load_stream, fenced_load_id, staged) <> cardinality(staged) then
        raise exception 'a chunk of load % is no longer waiting to be staged', fenced_load_id using errcode = 'SL001';
    end if;
    perform
    from ingest.files
    where files.file_id = any(array(select "fileId" from unnest(staged)))
    order by files.file_id
    for update;
    if ingest.advance_files(load_stream, file_shapes, staged) <> (
        select count(*) from unnest(staged) where not "isAgain"
    ) then
        raise exception 'a file of load % has moved on meanwhile', fenced_load_id using errcode = 'SL001';
    end if;
end
$$;

-- Writes the chunks of a load, or names the load in those that are staged again. Returns how many that were.
create or replace function ingest.record_chunks(load_stream smallint, this_load_id bigint, staged ingest.staged_chunk[])
returns bigint
language plpgsql
as $$
declare
    recorded bigint;
begin
    with restaged_chunks as (
        update ingest.chunks
        set
            load_id = this_load_id,
            state = 'staged',
            is_padded = again."isPadded",
            is_typed = again."isTyped",
            slice_records = again."sliceRecords",
            staged_at = clock_timestamp(),
            attempts = 0,
            next_attempt_at = null,
            problem = null,
            problem_detail = null
        from unnest(staged) as again
        where
            again."isAgain"
            and chunks.chunk_id = again."chunkId"
            and chunks.stream_id = load_stream
            and chunks.state = 'pending'
            and chunks.content_hash = again."contentHash"
            and chunks.records = again."records"
        returning chunks.chunk_id
    ),
    new_chunks as (
        insert into ingest.chunks (
            stream_id, chunk_id, file_id, first_byte, end_byte, first_record_no, first_line_no, records,
            slice_records, content_hash, is_padded, is_typed, load_id, state, staged_at
        )
        select
            load_stream, "chunkId", "fileId", "firstByte", "endByte", "firstRecordNo", "firstLineNo", "records",
            "sliceRecords", "contentHash", "isPadded", "isTyped", this_load_id, case when "isHeld" then 'held' else 'staged' end,
            clock_timestamp()
        from unnest(staged)
        where not "isAgain"
        order by "chunkId"
        returning chunks.chunk_id
    )
    select (select count(*) from restaged_chunks) + (select count(*) from new_chunks)
    into recorded;
    return recorded;
end
$$;

-- Moves the files of a load's new chunks on to the end of them. Returns how many that were: a file that is not where its
-- chunk begins stays where it is.
create or replace function ingest.advance_files(load_stream smallint, file_shapes jsonb, staged ingest.staged_chunk[])
returns bigint
language plpgsql
as $$
declare
    advanced bigint;
begin
    -- Materialized, or a shape would be taken apart again for each of its files.
    with shapes as materialized (
        select elements.place - 1 as shape_no, shape.*
        from jsonb_array_elements(file_shapes) with ordinality as elements (element, place)
        cross join lateral jsonb_populate_record(null::ingest.file_shape, elements.element) as shape
    ),
    failed_files as materialized (
        select distinct chunks.file_id
        from ingest.chunks
        inner join unnest(staged) on "fileId" = chunks.file_id
        where chunks.state = 'failed'
    )
    update ingest.files
    set
        state = case
            when not chunk."atEnd" then 'pending'
            when failed_files.file_id is not null then 'failed'
            else 'loaded'
        end,
        loaded_bytes = chunk."endByte",
        loaded_records = chunk."firstRecordNo" + chunk."records" - 1,
        loaded_lines = chunk."endLineNo",
        tail_byte = chunk."tailByte",
        tail_record_no = chunk."tailRecordNo",
        tail_line_no = chunk."tailLineNo",
        waits_as = null,
        size_bytes = chunk."sizeBytes",
        mtime_ns = chunk."mtimeNs",
        inode = chunk."inode",
        version_tag = chunk."versionTag",
        compared_ctime_ns = coalesce(chunk."ctimeNs", files.compared_ctime_ns),
        header = shapes."header",
        extra_columns = shapes."extraColumns",
        missing_columns = shapes."missingColumns",
        ignored_columns = shapes."ignoredColumns",
        dialect = shapes."dialect",
        source = nullif(shapes."source", 'null'::jsonb),
        is_unmatched = coalesce(shapes."isUnmatched", false),
        content_hash = case when chunk."atEnd" and chunk."firstByte" = 0 then chunk."contentHash" end,
        attempts = 0,
        next_attempt_at = null,
        problem = case when failed_files.file_id is not null then files.problem end,
        problem_detail = case when failed_files.file_id is not null then files.problem_detail end,
        updated_at = clock_timestamp()
    from unnest(staged) as chunk
    inner join shapes on shapes.shape_no = chunk."shapeNo"
    left join failed_files on failed_files.file_id = chunk."fileId"
    where
        not chunk."isAgain"
        and files.file_id = chunk."fileId"
        and files.stream_id = load_stream
        -- Not in a form that fits files_pending: with its figures of a quiet moment the planner would go through all
        -- files that wait, once for every load.
        and case files.state when 'pending' then true when 'failed' then true else false end
        -- A tail is read again, or, of a stream that appends, what has come behind it.
        and chunk."firstByte" in (files.tail_byte, files.loaded_bytes);
    get diagnostics advanced = row_count;
    return advanced;
end
$$;

-- Truncates every lane of the stream's staging whose rows no longer count, and says how many that were: lanes of loads whose every
-- chunk has moved on, and of abandoned loads once their backend is gone. Only for who holds the loader's lease, or finds
-- it free, and between two loads: nobody else can begin one meanwhile. A lane that somebody reads is left for the next time:
-- kept_rows is then all that lies in it, spent or not, since no lane can be left by the loads that fill it; else 0.
create or replace function ingest.sweep_staging(this_stream smallint, worker uuid, out swept_rows bigint, out kept_rows bigint)
language plpgsql
as $$
declare
    spent_lane record;
    has_kept boolean := false;
    stream_home constant text := (select streams.home from ingest.streams where streams.stream_id = this_stream);
begin
    swept_rows := 0;
    kept_rows := 0;
    perform
    from ingest.loader_lease
    where
        loader_lease.stream_id = this_stream
        and (
            loader_lease.worker_id is null
            or loader_lease.worker_id = worker
            or loader_lease.lease_until < clock_timestamp()
        )
    for update skip locked;
    if not found then
        return;
    end if;
    perform ingest.abandon_loads_of(worker);

    for spent_lane in
        select
            loads.lane,
            array_agg(loads.load_id) as load_ids,
            coalesce(sum(loads.records), 0) as records
        from ingest.loads
        where loads.state in ('loading', 'staged', 'abandoned') and loads.stream_id = this_stream
        group by loads.lane
        having bool_and(
            case loads.state
                when 'staged' then not exists (
                    select from ingest.chunks
                    where chunks.load_id = loads.load_id and chunks.state = 'staged'
                ) and not exists (
                    select from ingest.chunks
                    where chunks.load_id = loads.load_id and chunks.state = 'held'
                )
                when 'abandoned' then not exists (
                    select from pg_stat_activity as activity
                    where activity.pid = loads.backend_pid and activity.backend_start = loads.backend_start
                )
                else false
            end
        )
        order by loads.lane
    loop
        begin
            set local lock_timeout = '50ms';
            execute format('truncate %I.%I', stream_home, 'staging_' || spent_lane.lane);
            set local lock_timeout = 0;
        exception
            when lock_not_available then
                has_kept := true;
                continue;
        end;
        update ingest.loads
        set state = 'swept'
        where loads.load_id = any(spent_lane.load_ids);
        swept_rows := swept_rows + spent_lane.records;
    end loop;
    if has_kept then
        select coalesce(sum(loads.records), 0) into kept_rows
        from ingest.loads
        where loads.state in ('loading', 'staged', 'abandoned') and loads.stream_id = this_stream;
    end if;
end
$$;

-- Returns who keeps spent rows from being removed: sessions and prepared transactions that have read the staging of this stream
-- (null: of any) and are still in the transaction in which they did, so that they hold a lock on it. The ingest's own are none of them. What a session does and since
-- when is null for who may not see it (pg_read_all_stats).
-- No view: a grant on one goes with the next update.
create or replace function ingest.staging_readers(this_stream smallint default null)
returns table (
    pid integer,
    prepared_as text,
    user_name name,
    application_name text,
    state text,
    since timestamptz
)
language sql
stable
as $$
select
    locks.pid,
    prepared.gid,
    coalesce(activity.usename, prepared.owner),
    activity.application_name,
    activity.state,
    coalesce(activity.xact_start, prepared.prepared)
from (
    select distinct pg_locks.pid, pg_locks.virtualtransaction
    from pg_locks
    inner join pg_inherits on pg_inherits.inhrelid = pg_locks.relation
    inner join pg_class on pg_class.oid = pg_inherits.inhparent and pg_class.relname = 'staging'
    inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    -- By the catalog: to name a table of a schema raises in a role that may not use the schema.
    inner join ingest.streams on streams.home = pg_namespace.nspname
    where
        (this_stream is null or streams.stream_id = this_stream)
        and pg_locks.locktype = 'relation'
        and pg_locks.granted
        and pg_locks.database = (select pg_database.oid from pg_database where pg_database.datname = current_database())
        and pg_locks.pid is distinct from pg_backend_pid()
) as locks
left join pg_stat_activity as activity on activity.pid = locks.pid
left join pg_prepared_xacts as prepared on locks.virtualtransaction = '-1/' || prepared.transaction
where coalesce(activity.application_name, '') not like 'sluice-%'
$$;
