-- What status shows, as the text of one JSON object. One statement, so one snapshot: every number is of the same moment.
-- Reads no events: their count is the rollups'. Rejects are grouped over the newest 10,000 only, so that neither grows
-- with history.
with
    merged_totals as (
        select
            count(*) as batches,
            coalesce(sum(batches.read), 0) as read,
            coalesce(sum(batches.inserted), 0) as inserted,
            coalesce(sum(batches.duplicate), 0) as duplicate,
            coalesce(sum(batches.conflict), 0) as conflict,
            coalesce(sum(batches.rejected), 0) as rejected
        from ingest.batches
    ),

    counted_events as (
        select coalesce(sum(event_stats.events), 0) as events
        from ingest.event_stats
        where event_stats.grain = 'total'
    ),

    counted_files as (
        select
            count(*) filter (where files.state = 'pending') as pending,
            count(*) filter (where files.state = 'loaded') as loaded,
            count(*) filter (where files.state = 'merged') as merged,
            count(*) filter (where files.state = 'skipped') as skipped,
            count(*) filter (where files.state = 'failed') as failed,
            count(*) filter (where files.state = 'replaced') as replaced
        from ingest.files
    ),

    failed_files as (
        select
            files.file_id as "fileId",
            files.path,
            files.problem,
            files.problem_detail as "problemDetail",
            files.attempts,
            files.next_attempt_at as "nextAttemptAt"
        from ingest.files
        where files.state = 'failed'
        order by files.updated_at desc, files.file_id desc
        limit 10
    ),

    waiting_files as (
        select
            count(*) as files,
            coalesce(sum(greatest(files.size_bytes - files.loaded_bytes, 0)), 0) as unread_bytes
        from ingest.files
        where files.state in ('pending', 'loaded')
    ),

    -- A chunk whose slices are merged one by one still counts with what is left of it.
    unmerged_chunks as (
        select
            count(*) as chunks,
            coalesce(sum(greatest(chunks.records - coalesce(done_merges.read, 0), 0)), 0) as staged_records,
            min(chunks.staged_at) as oldest_staged_at
        from ingest.chunks
        left join lateral (
            select sum(chunk_merges.read) as read
            from ingest.chunk_merges
            where chunk_merges.chunk_id = chunks.chunk_id and chunk_merges.slices <> 0
        ) as done_merges on true
        where chunks.state in ('held', 'staged', 'pending')
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

    newest_rejects as (
        select rejects.reasons
        from ingest.rejects
        order by rejects.reject_id desc
        limit 10000
    ),

    counted_reasons as (
        select
            reason_list.reason,
            count(*) as records
        from newest_rejects
        cross join lateral unnest(newest_rejects.reasons) as reason_list (reason)
        group by reason_list.reason
        order by count(*) desc, reason_list.reason
        limit 5
    )

select
    json_build_object(
        'asOf', clock_timestamp(),
        'databaseName', current_database(),
        'serverVersion', current_setting('server_version'),
        'totals', (select to_json(merged_totals) from merged_totals),
        'events', (select counted_events.events from counted_events),
        'files', (select to_json(counted_files) from counted_files),
        'failedFiles', (select coalesce(json_agg(failed_files), '[]') from failed_files),
        'backlog', (
            select json_build_object(
                'files', waiting_files.files,
                'unreadBytes', waiting_files.unread_bytes,
                'chunks', unmerged_chunks.chunks,
                'stagedRecords', unmerged_chunks.staged_records,
                'oldestStagedAt', unmerged_chunks.oldest_staged_at
            )
            from waiting_files
            cross join unmerged_chunks
        ),
        'lastBatch', (select to_json(last_batch) from last_batch),
        'workers', (select coalesce(json_agg(live_workers), '[]') from live_workers),
        'rejectReasons', (select coalesce(json_agg(counted_reasons), '[]') from counted_reasons),
        'rejectsLookedAt', (select count(*) from newest_rejects)
    )::text as status
