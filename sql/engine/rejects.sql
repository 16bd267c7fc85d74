-- A reject may be edited before it is replayed: update ingest.rejects set record = record || '{"price": "12.50"}' where …
-- The record as it was stays in original_record. A resolved reject takes no edit, since it would never be replayed.
create or replace function ingest.note_edited_reject()
returns trigger
language plpgsql
as $$
begin
    if new.resolved_by_batch is not null then
        raise exception 'reject % was resolved by batch % and is history', new.reject_id, new.resolved_by_batch
        using errcode = 'SL004';
    end if;
    if jsonb_typeof(new.record) is distinct from 'object' then
        raise exception 'the record of a reject is one JSON object of texts by column' using errcode = 'SL004';
    end if;
    new.original_record := coalesce(old.original_record, old.record);
    new.edited_at := clock_timestamp();
    return new;
end
$$;

create or replace trigger note_edited_reject
before update of record on ingest.rejects
for each row
when (old.record is distinct from new.record)
execute function ingest.note_edited_reject();

-- Lets a displaced event be accepted again: the next replay with accept_conflicts finds it standing. False when there is
-- no such displaced reject.
create or replace function ingest.reopen_reject(displaced_reject_id bigint)
returns boolean
language plpgsql
as $$
declare
    reopened ingest.rejects;
begin
    update ingest.rejects
    set resolved_by_batch = null, resolved_at = null, resolution = null
    where rejects.reject_id = displaced_reject_id and rejects.resolution = 'displaced'
    returning rejects.* into reopened;
    if not found then
        return false;
    end if;

    update ingest.reject_stats
    set resolved = reject_stats.resolved - 1
    where
        reject_stats.stream_id = reopened.stream_id
        and reject_stats.day = (reopened.rejected_at at time zone 'UTC')::date
        and reject_stats.kind = reopened.kind
        and reject_stats.reason = any(array_prepend('', reopened.reasons));
    return true;
end
$$;
