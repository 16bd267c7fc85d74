-- The sums that status and the API show, kept by whoever changes what is summed, in the same transaction: so that they
-- cost the same after a million batches as after one. They are of all time: what is pruned stays in them, except in those of
-- files and rejects. sql/checks/ recounts each of them.
--
-- Batches and rejects are added up at the very end of a merge or replay, in the order of the keys: the rows are locked
-- from then until the commit, and merges that end together queue and never deadlock. Files change state in many places,
-- under locks in many orders: what changes is noted in rows of its own, which makes nobody wait, and the next merge
-- adds them to file_stats.

-- Adds what the batch did.
create or replace function ingest.update_totals(this_batch ingest.batches)
returns void
language plpgsql
as $$
begin
    perform ingest.update_reject_stats(this_batch.batch_id, this_batch.stream_id);

    insert into ingest.totals (
        stream_id, kind, batches, read, inserted, updated, duplicate, superseded, deleted, conflict, rejected,
        displaced, removed
    )
    values (
        this_batch.stream_id, this_batch.kind, 1, this_batch.read, this_batch.inserted, this_batch.updated,
        this_batch.duplicate, this_batch.superseded, this_batch.deleted, this_batch.conflict, this_batch.rejected,
        this_batch.displaced, this_batch.removed
    )
    on conflict (stream_id, kind) do update
    set
        batches = totals.batches + excluded.batches,
        read = totals.read + excluded.read,
        inserted = totals.inserted + excluded.inserted,
        updated = totals.updated + excluded.updated,
        duplicate = totals.duplicate + excluded.duplicate,
        superseded = totals.superseded + excluded.superseded,
        deleted = totals.deleted + excluded.deleted,
        conflict = totals.conflict + excluded.conflict,
        rejected = totals.rejected + excluded.rejected,
        displaced = totals.displaced + excluded.displaced,
        removed = totals.removed + excluded.removed;

    -- One at a time, because the row of the stream's totals is locked.
    if this_batch.kind = 'merge' then
        perform ingest.add_up_file_changes(this_batch.stream_id);
    end if;
end
$$;

-- The rejects that the batch wrote, and those that it resolved.
create or replace function ingest.update_reject_stats(this_batch_id bigint, this_stream smallint)
returns void
language plpgsql
as $$
begin
    perform ingest.add_reject_stats(array(
        with batch_rejects as (
            select rejects.*, 1 as written, (rejects.resolved_by_batch is not distinct from this_batch_id)::integer as resolved
            from ingest.rejects
            where rejects.batch_id = this_batch_id
            union all
            select rejects.*, 0 as written, 1 as resolved
            from ingest.rejects
            where rejects.resolved_by_batch = this_batch_id and rejects.batch_id <> this_batch_id
        ),
        -- Added up before they are taken apart: rejects may be many, combinations of reasons are few.
        counted_rejects as (
            select
                (batch_rejects.rejected_at at time zone 'UTC')::date as day,
                batch_rejects.kind,
                batch_rejects.reasons,
                sum(batch_rejects.written) as written,
                sum(batch_rejects.resolved) as resolved,
                min(batch_rejects.rejected_at) as first_rejected_at,
                max(batch_rejects.rejected_at) as last_rejected_at,
                max(batch_rejects.reject_id) as last_reject_id
            from batch_rejects
            group by 1, 2, 3
        )
        select
            row(
                counted_rejects.day, counted_rejects.kind, reason_list.reason,
                sum(counted_rejects.written), sum(counted_rejects.resolved),
                min(counted_rejects.first_rejected_at), max(counted_rejects.last_rejected_at),
                max(counted_rejects.last_reject_id), this_stream
            )::ingest.reject_stats
        from counted_rejects
        cross join lateral unnest(array_prepend('', counted_rejects.reasons)) as reason_list (reason)
        group by counted_rejects.day, counted_rejects.kind, reason_list.reason
    ));
end
$$;

-- Adds these to the sums, in key order. Rejects that go have negative counts.
create or replace function ingest.add_reject_stats(changes ingest.reject_stats[])
returns void
language sql
as $$
insert into ingest.reject_stats
select changed.*
from unnest(changes) as changed
order by changed.stream_id, changed.day, changed.kind, changed.reason
on conflict (stream_id, day, kind, reason) do update
set
    rejects = reject_stats.rejects + excluded.rejects,
    resolved = reject_stats.resolved + excluded.resolved,
    first_rejected_at = least(reject_stats.first_rejected_at, excluded.first_rejected_at),
    last_rejected_at = greatest(reject_stats.last_rejected_at, excluded.last_rejected_at),
    last_reject_id = greatest(reject_stats.last_reject_id, excluded.last_reject_id)
$$;

create or replace function ingest.add_up_file_changes(this_stream smallint)
returns void
language plpgsql
as $$
begin
    with taken_changes as (
        delete from ingest.file_changes
        where file_changes.stream_id = this_stream
        returning file_changes.state, file_changes.files
    )
    insert into ingest.file_stats (stream_id, state, files)
    select this_stream, taken_changes.state, sum(taken_changes.files)
    from taken_changes
    group by taken_changes.state
    order by taken_changes.state
    on conflict (stream_id, state) do update
    set files = file_stats.files + excluded.files;
end
$$;

create or replace function ingest.note_changed_files()
returns trigger
language plpgsql
as $$
begin
    if tg_op = 'INSERT' then
        insert into ingest.file_changes (stream_id, state, files)
        select new_files.stream_id, new_files.state, count(*)
        from new_files
        group by new_files.stream_id, new_files.state;
    elsif tg_op = 'DELETE' then
        insert into ingest.file_changes (stream_id, state, files)
        select old_files.stream_id, old_files.state, -count(*)
        from old_files
        group by old_files.stream_id, old_files.state;
    else
        insert into ingest.file_changes (stream_id, state, files)
        select changed_states.stream_id, changed_states.state, sum(changed_states.files)
        from (
            select new_files.stream_id, new_files.state, 1 as files from new_files
            union all
            select old_files.stream_id, old_files.state, -1 as files from old_files
        ) as changed_states
        group by changed_states.stream_id, changed_states.state
        having sum(changed_states.files) <> 0;
    end if;
    return null;
end
$$;

create or replace trigger note_new_files
after insert on ingest.files
referencing new table as new_files
for each statement execute function ingest.note_changed_files();

create or replace trigger note_changed_files
after update on ingest.files
referencing old table as old_files new table as new_files
for each statement execute function ingest.note_changed_files();

create or replace trigger note_removed_files
after delete on ingest.files
referencing old table as old_files
for each statement execute function ingest.note_changed_files();

-- Files by state, those of a moment ago included.
create or replace view ingest.counted_files as
select counted_states.stream_id, counted_states.state, sum(counted_states.files)::bigint as files
from (
    select file_stats.stream_id, file_stats.state, file_stats.files from ingest.file_stats
    union all
    select file_changes.stream_id, file_changes.state, file_changes.files from ingest.file_changes
) as counted_states
group by counted_states.stream_id, counted_states.state;

-- The totals are the sums of these: one row for each batch that there is, and the sums of those that were pruned.
create or replace view ingest.counted_batches as
select
    batches.stream_id,
    batches.kind,
    1::bigint as batches,
    batches.read,
    batches.inserted,
    batches.updated,
    batches.duplicate,
    batches.superseded,
    batches.deleted,
    batches.conflict,
    batches.rejected,
    batches.displaced,
    batches.removed
from ingest.batches
union all
select
    pruned_totals.stream_id,
    pruned_totals.kind,
    pruned_totals.batches,
    pruned_totals.read,
    pruned_totals.inserted,
    pruned_totals.updated,
    pruned_totals.duplicate,
    pruned_totals.superseded,
    pruned_totals.deleted,
    pruned_totals.conflict,
    pruned_totals.rejected,
    pruned_totals.displaced,
    pruned_totals.removed
from ingest.pruned_totals;

-- Counts everything anew; for tables that are older than these sums, and for repair. Nothing may merge meanwhile, so it
-- waits for the merges that run and keeps others out.
create or replace function ingest.rebuild_totals()
returns void
language plpgsql
as $$
begin
    lock table ingest.batches, ingest.rejects, ingest.files in share row exclusive mode;

    delete from ingest.totals;
    insert into ingest.totals (
        stream_id, kind, batches, read, inserted, updated, duplicate, superseded, deleted, conflict, rejected,
        displaced, removed
    )
    select
        counted_batches.stream_id,
        counted_batches.kind,
        sum(counted_batches.batches),
        sum(counted_batches.read),
        sum(counted_batches.inserted),
        sum(counted_batches.updated),
        sum(counted_batches.duplicate),
        sum(counted_batches.superseded),
        sum(counted_batches.deleted),
        sum(counted_batches.conflict),
        sum(counted_batches.rejected),
        sum(counted_batches.displaced),
        sum(counted_batches.removed)
    from ingest.counted_batches
    group by counted_batches.stream_id, counted_batches.kind;

    delete from ingest.file_changes;
    delete from ingest.file_stats;
    insert into ingest.file_stats (stream_id, state, files)
    select files.stream_id, files.state, count(*)
    from ingest.files
    group by files.stream_id, files.state;

    delete from ingest.reject_stats;
    insert into ingest.reject_stats (
        stream_id, day, kind, reason, rejects, resolved, first_rejected_at, last_rejected_at, last_reject_id
    )
    select
        rejects.stream_id,
        (rejects.rejected_at at time zone 'UTC')::date,
        rejects.kind,
        reason_list.reason,
        count(*),
        count(rejects.resolved_by_batch),
        min(rejects.rejected_at),
        max(rejects.rejected_at),
        max(rejects.reject_id)
    from ingest.rejects
    cross join lateral unnest(array_prepend('', rejects.reasons)) as reason_list (reason)
    group by 1, 2, 3, 4;
end
$$;
