-- The status, as the text of one JSON object: of the stream $1, or of all when it is null. One statement, so one snapshot: every
-- number is of the same moment. It reads no rows of the tables, and only the open or new part of the ledger: the merge keeps
-- the sums, so the status costs the same however long the history is.
with
    -- Now; on a standby the time up to which it has what was committed on the primary. That is now as well if it has replayed
    -- whatever it received, and is still receiving: the last commit may be long ago.
    this_moment as materialized (
        select
            moments.at,
            extract(epoch from clock_timestamp() - moments.at) as lag_seconds
        from (
            select
                case
                    when not pg_is_in_recovery() then clock_timestamp()
                    when
                        pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                        and exists (select from pg_stat_wal_receiver)
                        then clock_timestamp()
                    else coalesce(pg_last_xact_replay_timestamp(), clock_timestamp())
                end as at
        ) as moments
    ),

    chosen_streams as (
        select streams.*
        from ingest.streams
        where streams.is_active and ($1::smallint is null or streams.stream_id = $1)
    ),

    stream_totals as (
        select
            totals.stream_id,
            sum(totals.batches) as batches,
            sum(totals.read) as read,
            sum(totals.inserted) as inserted,
            sum(totals.updated) as updated,
            sum(totals.duplicate) as duplicate,
            sum(totals.superseded) as superseded,
            sum(totals.deleted) as deleted,
            sum(totals.conflict) as conflict,
            sum(totals.rejected) as rejected,
            sum(totals.displaced) as displaced,
            sum(totals.removed) as removed
        from ingest.totals
        where $1 is null or totals.stream_id = $1
        group by totals.stream_id
    ),

    merged_totals as (
        select
            coalesce(sum(stream_totals.batches), 0) as batches,
            coalesce(sum(stream_totals.read), 0) as read,
            coalesce(sum(stream_totals.inserted), 0) as inserted,
            coalesce(sum(stream_totals.updated), 0) as updated,
            coalesce(sum(stream_totals.duplicate), 0) as duplicate,
            coalesce(sum(stream_totals.superseded), 0) as superseded,
            coalesce(sum(stream_totals.deleted), 0) as deleted,
            coalesce(sum(stream_totals.conflict), 0) as conflict,
            coalesce(sum(stream_totals.rejected), 0) as rejected,
            coalesce(sum(stream_totals.displaced), 0) as displaced,
            coalesce(sum(stream_totals.removed), 0) as removed
        from stream_totals
    ),

    stream_files as (
        select
            counted_files.stream_id,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'pending'), 0) as pending,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'loaded'), 0) as loaded,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'merged'), 0) as merged,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'skipped'), 0) as skipped,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'failed'), 0) as failed,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'replaced'), 0) as replaced
        from ingest.counted_files
        where $1 is null or counted_files.stream_id = $1
        group by counted_files.stream_id
    ),

    files_by_state as (
        select
            coalesce(sum(stream_files.pending), 0) as pending,
            coalesce(sum(stream_files.loaded), 0) as loaded,
            coalesce(sum(stream_files.merged), 0) as merged,
            coalesce(sum(stream_files.skipped), 0) as skipped,
            coalesce(sum(stream_files.failed), 0) as failed,
            coalesce(sum(stream_files.replaced), 0) as replaced
        from stream_files
    ),

    failed_files as (
        select
            files.file_id as "fileId",
            files.path,
            files.problem,
            files.problem_detail as "problemDetail",
            files.attempts,
            files.next_attempt_at as "nextAttemptAt",
            files.updated_at as "failedAt",
            streams.name as stream
        from ingest.files
        inner join ingest.streams using (stream_id)
        where files.state = 'failed' and ($1 is null or files.stream_id = $1)
        order by files.updated_at desc, files.file_id desc
        limit 10
    ),

    -- Apart, because each state has an index of its own.
    open_files as (
        select files.stream_id, greatest(files.size_bytes - files.loaded_bytes, 0) as unread_bytes, files.discovered_at
        from ingest.files
        where files.state = 'pending' and ($1 is null or files.stream_id = $1)
        union all
        select files.stream_id, greatest(files.size_bytes - files.loaded_bytes, 0) as unread_bytes, files.discovered_at
        from ingest.files
        where files.state = 'loaded' and ($1 is null or files.stream_id = $1)
    ),

    stream_waiting as (
        select
            open_files.stream_id,
            count(*) as files,
            sum(open_files.unread_bytes) as "unreadBytes",
            coalesce(
                sum(open_files.unread_bytes)
                filter (where open_files.discovered_at >= (select this_moment.at from this_moment) - interval '60 seconds'),
                0
            ) as "newUnreadBytes",
            min(open_files.discovered_at) filter (where open_files.unread_bytes > 0) as "oldestUnreadAt"
        from open_files
        group by open_files.stream_id
    ),

    waiting_files as (
        select
            coalesce(sum(stream_waiting.files), 0) as files,
            coalesce(sum(stream_waiting."unreadBytes"), 0) as "unreadBytes",
            coalesce(sum(stream_waiting."newUnreadBytes"), 0) as "newUnreadBytes",
            min(stream_waiting."oldestUnreadAt") as "oldestUnreadAt"
        from stream_waiting
    ),

    -- Apart, because each has an index of its own: all three states at once would be looked for in all of history.
    open_chunks as (
        select chunks.stream_id, chunks.chunk_id, chunks.state, chunks.records, chunks.merged_slices, chunks.staged_at
        from ingest.chunks
        where chunks.state in ('staged', 'pending') and ($1 is null or chunks.stream_id = $1)
        union all
        select chunks.stream_id, chunks.chunk_id, chunks.state, chunks.records, chunks.merged_slices, chunks.staged_at
        from ingest.chunks
        where chunks.state = 'held' and ($1 is null or chunks.stream_id = $1)
    ),

    -- A chunk whose slices are merged one by one still counts with what is left of it.
    stream_unmerged as (
        select
            open_chunks.stream_id,
            count(*) as chunks,
            sum(greatest(open_chunks.records - coalesce(done_merges.read, 0), 0)) as "stagedRecords",
            min(open_chunks.staged_at) as "oldestStagedAt",
            min(open_chunks.staged_at) filter (where open_chunks.state = 'staged') as "mergeableSince"
        from open_chunks
        left join lateral (
            select sum(chunk_merges.read) as read
            from ingest.chunk_merges
            -- Asked of none that no merge has touched: that is most of them.
            where
                open_chunks.merged_slices <> 0
                and chunk_merges.chunk_id = open_chunks.chunk_id
                and chunk_merges.slices <> 0
        ) as done_merges on true
        group by open_chunks.stream_id
    ),

    unmerged_chunks as (
        select
            coalesce(sum(stream_unmerged.chunks), 0) as chunks,
            coalesce(sum(stream_unmerged."stagedRecords"), 0) as "stagedRecords",
            min(stream_unmerged."oldestStagedAt") as "oldestStagedAt",
            min(stream_unmerged."mergeableSince") as "mergeableSince"
        from stream_unmerged
    ),

    -- By two indexes: one is in the order of commits, the other has the batches of each stream. Either finds none for null.
    latest_batch as (
        (
            select batches.*
            from ingest.batches
            where $1 is null
            order by batches.finished_at desc
            limit 1
        )
        union all
        (
            select batches.*
            from ingest.batches
            where batches.stream_id = $1
            order by batches.batch_id desc
            limit 1
        )
    ),

    last_batch as (
        select
            latest_batch.batch_id as "batchId",
            latest_batch.started_at as "startedAt",
            latest_batch.finished_at as "finishedAt",
            latest_batch.oldest_staged_at as "oldestStagedAt",
            latest_batch.read,
            latest_batch.inserted,
            latest_batch.updated,
            latest_batch.duplicate,
            latest_batch.superseded,
            latest_batch.deleted,
            latest_batch.conflict,
            latest_batch.rejected,
            latest_batch.removed,
            latest_batch.duration_ms as "durationMs",
            streams.name as stream
        from latest_batch
        inner join ingest.streams using (stream_id)
    ),

    -- The largest of the latest merges show best what merging can do.
    latest_merges as (
        (
            select batches.*
            from ingest.batches
            where $1 is null and batches.kind = 'merge'
            order by batches.finished_at desc
            limit 200
        )
        union all
        (
            select batches.*
            from ingest.batches
            where batches.stream_id = $1 and batches.kind = 'merge'
            order by batches.batch_id desc
            limit 200
        )
    ),

    recent_merges as (
        select
            coalesce(sum(latest_merges.read), 0) as read,
            coalesce(sum(latest_merges.rejected), 0) as rejected,
            coalesce(sum(latest_merges.conflict), 0) as conflict
        from latest_merges
        where latest_merges.finished_at >= (select this_moment.at from this_moment) - interval '1 hour'
    ),

    largest_merges as (
        select
            latest_merges.started_at as "startedAt",
            latest_merges.finished_at as "finishedAt",
            latest_merges.read
        from latest_merges
        where latest_merges.read > 0
        order by latest_merges.read desc, latest_merges.finished_at desc
        limit 10
    ),

    -- Numbered in the order of staging, near enough.
    latest_chunks as (
        select chunks.*, files.discovered_at
        from (
            select chunks.*
            from ingest.chunks
            order by chunks.chunk_id desc
            limit 2000
        ) as chunks
        inner join ingest.files on files.file_id = chunks.file_id
        where $1 is null or chunks.stream_id = $1
    ),

    stream_arrivals as (
        select
            latest_chunks.stream_id,
            coalesce(
                sum(latest_chunks.records)
                filter (where latest_chunks.staged_at >= (select this_moment.at from this_moment) - interval '60 seconds'),
                0
            ) as "stagedRecords",
            coalesce(
                sum(latest_chunks.records) filter (
                    where
                        latest_chunks.staged_at >= (select this_moment.at from this_moment) - interval '60 seconds'
                        and latest_chunks.discovered_at >= (select this_moment.at from this_moment) - interval '60 seconds'
                ),
                0
            ) as "stagedRecordsOfNewFiles",
            sum(latest_chunks.end_byte - latest_chunks.first_byte)::float8 as bytes,
            sum(latest_chunks.records) as records,
            max(latest_chunks.staged_at) as last_staged_at
        from latest_chunks
        group by latest_chunks.stream_id
    ),

    arrived_records as (
        select
            coalesce(sum(stream_arrivals."stagedRecords"), 0) as "stagedRecords",
            coalesce(sum(stream_arrivals."stagedRecordsOfNewFiles"), 0) as "stagedRecordsOfNewFiles",
            sum(stream_arrivals.bytes) / nullif(sum(stream_arrivals.records), 0) as "bytesPerRecord"
        from stream_arrivals
    ),

    -- From the moment a file was seen; for what was appended later, from its staging.
    merged_ages as (
        select
            extract(
                epoch from latest_chunks.merged_at
                - case when latest_chunks.first_byte = 0 then latest_chunks.discovered_at else latest_chunks.staged_at end
            )::float8 as age_seconds,
            latest_chunks.records
        from latest_chunks
        where latest_chunks.merged_at >= (select this_moment.at from this_moment) - interval '5 minutes' and latest_chunks.records > 0
    ),

    ranked_ages as (
        select
            merged_ages.age_seconds,
            sum(merged_ages.records) over (order by merged_ages.age_seconds) as records_up_to,
            sum(merged_ages.records) over () as records
        from merged_ages
    ),

    fresh_records as (
        select
            coalesce(max(ranked_ages.records), 0) as records,
            min(ranked_ages.age_seconds) filter (where ranked_ages.records_up_to >= 0.5 * ranked_ages.records)
                as "p50Seconds",
            min(ranked_ages.age_seconds) filter (where ranked_ages.records_up_to >= 0.95 * ranked_ages.records)
                as "p95Seconds"
        from ranked_ages
    ),

    -- How the newest files' headers differ from what is known; all of history is in ingest.column_drift.
    newest_files as (
        select
            latest_files.file_id, latest_files.path, latest_files.extra_columns, latest_files.ignored_columns,
            latest_files.missing_columns, latest_files.is_unmatched
        from (
            select files.*
            from ingest.files
            order by files.file_id desc
            limit 1000
        ) as latest_files
        where $1 is null or latest_files.stream_id = $1
    ),

    drifted_columns as (
        select
            named_columns.kind,
            named_columns.column_name as "column",
            count(*) as files,
            (array_agg(newest_files.path order by newest_files.file_id desc))[1] as "lastPath"
        from newest_files
        cross join lateral (
            select 'kept' as kind, unnest(newest_files.extra_columns) as column_name
            union all
            select 'ignored', unnest(newest_files.ignored_columns)
            union all
            select 'missing', unnest(newest_files.missing_columns)
        ) as named_columns
        group by named_columns.kind, named_columns.column_name
        order by files desc, named_columns.kind, "column"
        limit 20
    ),

    live_workers as (
        select
            workers.worker_id as "workerId",
            coalesce(workers.report ->> 'name', workers.host) as name,
            workers.host,
            workers.pid,
            workers.input_dir as "inputDir",
            workers.started_at as "startedAt",
            workers.lease_until as "leaseUntil",
            (loader_lease.worker_id is not null) as "isLoader",
            workers.report,
            streams.name as stream
        from ingest.workers
        inner join ingest.streams using (stream_id)
        left join ingest.loader_lease
            on
                loader_lease.stream_id = workers.stream_id
                and loader_lease.worker_id = workers.worker_id
                and loader_lease.lease_until > (select this_moment.at from this_moment)
        where workers.lease_until > (select this_moment.at from this_moment) and ($1 is null or workers.stream_id = $1)
        order by workers.started_at
    ),

    -- Without those that read for a moment only.
    staging_readers as (
        select
            staging_readers.pid,
            staging_readers.prepared_as as "preparedAs",
            staging_readers.user_name as "userName",
            staging_readers.application_name as "applicationName",
            staging_readers.state,
            staging_readers.since
        from ingest.staging_readers() as staging_readers
        where
            coalesce($1, 0) = 0
            and coalesce(staging_readers.since < clock_timestamp() - interval '10 seconds', true)
        order by staging_readers.since
        limit 10
    ),

    stream_rejects as (
        select
            reject_stats.stream_id,
            reject_stats.reason,
            sum(reject_stats.rejects - reject_stats.resolved) as records
        from ingest.reject_stats
        where $1 is null or reject_stats.stream_id = $1
        group by reject_stats.stream_id, reject_stats.reason
    ),

    standing_rejects as (
        select stream_rejects.reason, sum(stream_rejects.records) as records
        from stream_rejects
        group by stream_rejects.reason
    ),

    frequent_reasons as (
        select standing_rejects.reason, standing_rejects.records
        from standing_rejects
        where standing_rejects.reason <> '' and standing_rejects.records > 0
        order by standing_rejects.records desc, standing_rejects.reason
        limit 5
    ),

    stream_reasons as (
        select distinct on (stream_rejects.stream_id) stream_rejects.stream_id, stream_rejects.reason
        from stream_rejects
        where stream_rejects.reason <> '' and stream_rejects.records > 0
        order by stream_rejects.stream_id, stream_rejects.records desc, stream_rejects.reason
    ),

    stream_workers as (
        select
            workers.stream_id,
            json_agg(
                json_build_object(
                    'startedAt', workers.started_at, 'inputDir', workers.input_dir, 'report', workers.report
                )
            ) as workers
        from ingest.workers
        where workers.lease_until > (select this_moment.at from this_moment)
        group by workers.stream_id
    ),

    -- Dropped for a backlog (--defer-indexes). On a standby nobody makes them.
    stream_indexes as (
        select
            deferred_indexes.stream_id,
            json_agg(
                json_build_object(
                    'table', deferred_indexes.table_name,
                    'index', deferred_indexes.index_name,
                    'deferredAt', deferred_indexes.deferred_at,
                    'problem', deferred_indexes.problem,
                    'isBeingMade', deferred_indexes.is_being_made,
                    'phase', deferred_indexes.phase,
                    'percent', deferred_indexes.percent
                )
                order by deferred_indexes.deferred_index_id
            ) as indexes
        from ingest.deferred_indexes_of($1::smallint) as deferred_indexes
        group by deferred_indexes.stream_id
    ),

    committed_records as (
        select batches.stream_id, sum(batches.read) as records
        from ingest.batches
        where batches.finished_at >= (select this_moment.at from this_moment) - interval '60 seconds' and batches.kind = 'merge'
        group by batches.stream_id
    ),

    -- What the verdict of each stream is made from.
    stream_facts as (
        select
            chosen_streams.stream_id,
            chosen_streams.name,
            chosen_streams.table_name as "table",
            chosen_streams.mode,
            chosen_streams.problem,
            chosen_streams.problem_detail as "problemDetail",
            chosen_streams.problem_at as "problemAt",
            chosen_streams.paused_at as "pausedAt",
            chosen_streams.paused_by as "pausedBy",
            chosen_streams.pause_reason as "pauseReason",
            (select to_json(stream_totals) from stream_totals where stream_totals.stream_id = chosen_streams.stream_id)
                as totals,
            to_json(stream_files) as files,
            to_json(stream_waiting) as waiting,
            to_json(stream_unmerged) as unmerged,
            to_json(stream_arrivals) as arrivals,
            stream_arrivals.last_staged_at as "lastStagedAt",
            coalesce(stream_failures.files, '[]') as "failedFiles",
            coalesce(stream_workers.workers, '[]') as workers,
            coalesce(stream_indexes.indexes, '[]') as "deferredIndexes",
            coalesce(committed_records.records, 0) as "committedRecords",
            stream_merges.*,
            coalesce(
                (
                    select stream_rejects.records
                    from stream_rejects
                    where stream_rejects.stream_id = chosen_streams.stream_id and stream_rejects.reason = ''
                ),
                0
            ) as "standingRejects",
            stream_reasons.reason as "mostFrequentReason"
        from chosen_streams
        left join stream_files using (stream_id)
        left join stream_waiting using (stream_id)
        left join stream_unmerged using (stream_id)
        left join stream_arrivals using (stream_id)
        left join stream_workers using (stream_id)
        left join stream_indexes using (stream_id)
        left join committed_records using (stream_id)
        left join stream_reasons using (stream_id)
        left join lateral (
            select json_agg(failures) as files
            from (
                select
                    files.path,
                    files.problem,
                    files.problem_detail as "problemDetail",
                    files.next_attempt_at as "nextAttemptAt",
                    files.updated_at as "failedAt"
                from ingest.files
                -- Asked of none that has no failed file: what is pending is in the same index.
                where stream_files.failed > 0 and files.stream_id = chosen_streams.stream_id and files.state = 'failed'
                order by files.updated_at desc, files.file_id desc
                limit 3
            ) as failures
        ) as stream_failures on true
        cross join lateral (
            select
                max(merges.finished_at) as "lastBatchAt",
                max(merges.finished_at) filter (where merges.kind = 'merge') as "lastMergeAt",
                json_build_object(
                    'read', coalesce(sum(merges.read) filter (where merges.is_recent), 0),
                    'rejected', coalesce(sum(merges.rejected) filter (where merges.is_recent), 0),
                    'conflict', coalesce(sum(merges.conflict) filter (where merges.is_recent), 0)
                ) as "recentMerges",
                coalesce(
                    json_agg(
                        json_build_object(
                            'startedAt', merges.started_at, 'finishedAt', merges.finished_at, 'read', merges.read
                        )
                    ) filter (where merges.kind = 'merge' and merges.size_rank <= 5 and merges.read > 0),
                    '[]'
                ) as "largestMerges"
            from (
                select
                    latest.*,
                    latest.kind = 'merge' and latest.finished_at >= (select this_moment.at from this_moment) - interval '1 hour' as is_recent,
                    row_number() over (order by (latest.kind = 'merge') desc, latest.read desc) as size_rank
                from (
                    select batches.kind, batches.started_at, batches.finished_at, batches.read, batches.rejected, batches.conflict
                    from ingest.batches
                    where batches.stream_id = chosen_streams.stream_id
                    order by batches.batch_id desc
                    limit 50
                ) as latest
            ) as merges
        ) as stream_merges
    )

select
    json_build_object(
        'asOf', (select this_moment.at from this_moment),
        'databaseName', current_database(),
        'serverVersion', current_setting('server_version'),
        'standby', (
            select json_build_object('lagSeconds', round(this_moment.lag_seconds::numeric, 3))
            from this_moment
            where pg_is_in_recovery()
        ),
        'totals', (select to_json(merged_totals) from merged_totals),
        'table', (select streams.name from ingest.streams where streams.stream_id = coalesce($1, 0)),
        'events', case
            when coalesce($1, 0) = 0 then ingest.count_rows()
            else (select merged_totals.inserted - merged_totals.displaced from merged_totals)
        end,
        'files', (select to_json(files_by_state) from files_by_state),
        'failedFiles', (select coalesce(json_agg(failed_files), '[]') from failed_files),
        'backlog', (select to_json(backlog) from (select * from waiting_files cross join unmerged_chunks) as backlog),
        'lastBatch', (select to_json(last_batch) from last_batch),
        'lastMergeAt', (select max(latest_merges.finished_at) from latest_merges),
        'lastStagedAt', (select max(latest_chunks.staged_at) from latest_chunks),
        'recentMerges', (select to_json(recent_merges) from recent_merges),
        'workers', (select coalesce(json_agg(live_workers), '[]') from live_workers),
        'largestMerges', (select coalesce(json_agg(largest_merges), '[]') from largest_merges),
        'arrivals', (select to_json(arrived_records) from arrived_records),
        'merged', (select to_json(fresh_records) from fresh_records),
        'unmatchedFiles', (
            select
                json_build_object(
                    'files', count(*),
                    'lastPath', (array_agg(newest_files.path order by newest_files.file_id desc))[1]
                )
            from newest_files
            where newest_files.is_unmatched
        ),
        'columnDrift', (select coalesce(json_agg(drifted_columns), '[]') from drifted_columns),
        'stagingReaders', (select coalesce(json_agg(staging_readers), '[]') from staging_readers),
        'rejectReasons', (select coalesce(json_agg(frequent_reasons), '[]') from frequent_reasons),
        'standingRejects', (
            select coalesce(sum(standing_rejects.records), 0) from standing_rejects where standing_rejects.reason = ''
        ),
        'notifications', (
            select
                json_build_object(
                    'pending', (select count(*) from ingest.notifications),
                    'oldestPendingAt', (select min(notifications.created_at) from ingest.notifications),
                    'delivered', notifier.delivered,
                    'lastDeliveredAt', notifier.last_delivered_at,
                    'failedAttempts', notifier.failed_attempts,
                    'lastFailedAt', notifier.last_failed_at,
                    'lastFailure', notifier.last_failure,
                    'givenUp', notifier.given_up
                )
            from ingest.notifier
        ),
        'streams', (
            select coalesce(json_agg(stream_facts order by stream_facts.stream_id), '[]') from stream_facts
        )
    )::text as status
