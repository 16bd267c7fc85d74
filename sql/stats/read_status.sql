-- The status, as the text of one JSON object. One statement, so one snapshot: every number is of the same moment.
-- It reads no rows of the table, and only the open or new part of the ledger: the merge keeps the sums, so the status costs the
-- same however long the history is.
with
    merged_totals as (
        select
            coalesce(sum(totals.batches), 0) as batches,
            coalesce(sum(totals.read), 0) as read,
            coalesce(sum(totals.inserted), 0) as inserted,
            coalesce(sum(totals.duplicate), 0) as duplicate,
            coalesce(sum(totals.conflict), 0) as conflict,
            coalesce(sum(totals.rejected), 0) as rejected,
            coalesce(sum(totals.displaced), 0) as displaced
        from ingest.totals
    ),

    files_by_state as (
        select
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'pending'), 0) as pending,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'loaded'), 0) as loaded,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'merged'), 0) as merged,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'skipped'), 0) as skipped,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'failed'), 0) as failed,
            coalesce(sum(counted_files.files) filter (where counted_files.state = 'replaced'), 0) as replaced
        from ingest.counted_files
    ),

    failed_files as (
        select
            files.file_id as "fileId",
            files.path,
            files.problem,
            files.problem_detail as "problemDetail",
            files.attempts,
            files.next_attempt_at as "nextAttemptAt",
            files.updated_at as "failedAt"
        from ingest.files
        where files.state = 'failed'
        order by files.updated_at desc, files.file_id desc
        limit 10
    ),

    -- Apart, because each state has an index of its own.
    open_files as (
        select greatest(files.size_bytes - files.loaded_bytes, 0) as unread_bytes, files.discovered_at
        from ingest.files
        where files.state = 'pending'
        union all
        select greatest(files.size_bytes - files.loaded_bytes, 0) as unread_bytes, files.discovered_at
        from ingest.files
        where files.state = 'loaded'
    ),

    waiting_files as (
        select
            count(*) as files,
            coalesce(sum(open_files.unread_bytes), 0) as "unreadBytes",
            coalesce(
                sum(open_files.unread_bytes)
                filter (where open_files.discovered_at >= clock_timestamp() - interval '60 seconds'),
                0
            ) as "newUnreadBytes",
            min(open_files.discovered_at) filter (where open_files.unread_bytes > 0) as "oldestUnreadAt"
        from open_files
    ),

    -- Apart, because each has an index of its own: all three states at once would be looked for in all of history.
    open_chunks as (
        select chunks.chunk_id, chunks.state, chunks.records, chunks.merged_slices, chunks.staged_at
        from ingest.chunks
        where chunks.state in ('staged', 'pending')
        union all
        select chunks.chunk_id, chunks.state, chunks.records, chunks.merged_slices, chunks.staged_at
        from ingest.chunks
        where chunks.state = 'held'
    ),

    -- A chunk whose slices are merged one by one still counts with what is left of it.
    unmerged_chunks as (
        select
            count(*) as chunks,
            coalesce(sum(greatest(open_chunks.records - coalesce(done_merges.read, 0), 0)), 0) as "stagedRecords",
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
    ),

    last_batch as (
        select
            batches.batch_id as "batchId",
            batches.started_at as "startedAt",
            batches.finished_at as "finishedAt",
            batches.oldest_staged_at as "oldestStagedAt",
            batches.read,
            batches.inserted,
            batches.duplicate,
            batches.conflict,
            batches.rejected,
            batches.duration_ms as "durationMs"
        from ingest.batches
        order by batches.finished_at desc
        limit 1
    ),

    -- The largest of the latest merges show best what merging can do.
    latest_merges as (
        select batches.started_at, batches.finished_at, batches.read, batches.rejected, batches.conflict
        from ingest.batches
        where batches.kind = 'merge'
        order by batches.finished_at desc
        limit 200
    ),

    recent_merges as (
        select
            coalesce(sum(latest_merges.read), 0) as read,
            coalesce(sum(latest_merges.rejected), 0) as rejected,
            coalesce(sum(latest_merges.conflict), 0) as conflict
        from latest_merges
        where latest_merges.finished_at >= clock_timestamp() - interval '1 hour'
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
    ),

    arrived_records as (
        select
            coalesce(
                sum(latest_chunks.records)
                filter (where latest_chunks.staged_at >= clock_timestamp() - interval '60 seconds'),
                0
            ) as "stagedRecords",
            coalesce(
                sum(latest_chunks.records) filter (
                    where
                        latest_chunks.staged_at >= clock_timestamp() - interval '60 seconds'
                        and latest_chunks.discovered_at >= clock_timestamp() - interval '60 seconds'
                ),
                0
            ) as "stagedRecordsOfNewFiles",
            sum(latest_chunks.end_byte - latest_chunks.first_byte)::float8 / nullif(sum(latest_chunks.records), 0)
                as "bytesPerRecord"
        from latest_chunks
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
        where latest_chunks.merged_at >= clock_timestamp() - interval '5 minutes' and latest_chunks.records > 0
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
            files.file_id, files.path, files.extra_columns, files.ignored_columns, files.missing_columns,
            files.is_unmatched
        from ingest.files
        order by files.file_id desc
        limit 1000
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
            workers.host,
            workers.pid,
            workers.input_dir as "inputDir",
            workers.started_at as "startedAt",
            workers.lease_until as "leaseUntil",
            workers.report
        from ingest.workers
        where workers.lease_until > clock_timestamp()
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
        where coalesce(staging_readers.since < clock_timestamp() - interval '10 seconds', true)
        order by staging_readers.since
        limit 10
    ),

    standing_rejects as (
        select
            reject_stats.reason,
            sum(reject_stats.rejects - reject_stats.resolved) as records
        from ingest.reject_stats
        group by reject_stats.reason
    ),

    frequent_reasons as (
        select standing_rejects.reason, standing_rejects.records
        from standing_rejects
        where standing_rejects.reason <> '' and standing_rejects.records > 0
        order by standing_rejects.records desc, standing_rejects.reason
        limit 5
    )

select
    json_build_object(
        'asOf', clock_timestamp(),
        'databaseName', current_database(),
        'serverVersion', current_setting('server_version'),
        'totals', (select to_json(merged_totals) from merged_totals),
        'table', (select streams.name from ingest.streams where streams.stream_id = 0),
        'events', ingest.count_rows(),
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
        )
    )::text as status
