-- Messages about the state of streams (src/operations/notify/): what was told, what waits to be delivered, and which process
-- delivers. They run with their owner's rights, so that a process of the API can tell that no ingest is alive although its role
-- only reads. Each takes values alone and names no table of anybody's.

insert into ingest.notifier (notifier_id)
values (0)
on conflict (notifier_id) do nothing;

-- True when `this_holder` now is the one that tells, until the lease runs out.
create or replace function ingest.take_notifier(this_holder uuid, lease interval)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update ingest.notifier
    set holder = this_holder, lease_until = clock_timestamp() + lease
    where notifier.holder is null or notifier.holder = this_holder or notifier.lease_until < clock_timestamp();
    return found;
end
$$;

create or replace function ingest.leave_notifier(this_holder uuid)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    update ingest.notifier
    set holder = null, lease_until = null
    where notifier.holder = this_holder
$$;

-- Writes what was seen of each stream together with the message about it, if there is one: a stream whose state another process
-- has written meanwhile is left as it is, so of two that decide at once one does. `states` is a JSON array of {stream, version,
-- told, toldSince, toldAt, seen, seenSince, troubledSince, isWatched, messageId, body}; `version` is the one that was read, 0 when
-- there was none. Returns the messages that are written.
create or replace function ingest.write_told_states(states jsonb)
returns setof text
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    with
        given_states as (
            select streams.stream_id, given.*
            from
                jsonb_to_recordset(states) as given (
                    stream text,
                    version integer,
                    told text,
                    "toldSince" timestamptz,
                    "toldAt" timestamptz,
                    seen text,
                    "seenSince" timestamptz,
                    "troubledSince" timestamptz,
                    "isWatched" boolean,
                    "messageId" text,
                    body text
                )
            inner join ingest.streams on streams.name = given.stream
        ),

        written_states as (
            insert into ingest.told_states (
                stream_id, told, told_since, told_at, seen, seen_since, troubled_since, is_watched, version
            )
            select
                given_states.stream_id,
                given_states.told,
                given_states."toldSince",
                given_states."toldAt",
                given_states.seen,
                given_states."seenSince",
                given_states."troubledSince",
                given_states."isWatched",
                given_states.version + 1
            from given_states
            order by given_states.stream_id
            on conflict (stream_id) do update
            set
                told = excluded.told,
                told_since = excluded.told_since,
                told_at = excluded.told_at,
                seen = excluded.seen,
                seen_since = excluded.seen_since,
                troubled_since = excluded.troubled_since,
                is_watched = excluded.is_watched,
                version = excluded.version
            where told_states.version = excluded.version - 1
            returning told_states.stream_id
        )

    insert into ingest.notifications (message_id, stream_id, body)
    select given_states."messageId", given_states.stream_id, given_states.body
    from given_states
    inner join written_states using (stream_id)
    where given_states."messageId" is not null
    returning notifications.message_id
$$;

-- A message that is about no stream.
create or replace function ingest.add_notification(new_message_id text, new_body text)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into ingest.notifications (message_id, body)
    values (new_message_id, new_body)
    on conflict (message_id) do nothing
$$;

-- What came of an attempt: `failure` null is a success. A message without another attempt (`pause` null) is given up. One that
-- another process has delivered is not counted again.
create or replace function ingest.record_delivery(attempted_message text, failure text, pause interval)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if failure is null or pause is null then
        delete from ingest.notifications where notifications.message_id = attempted_message;
    else
        update ingest.notifications
        set attempts = notifications.attempts + 1, next_attempt_at = clock_timestamp() + pause
        where notifications.message_id = attempted_message;
    end if;
    if not found then
        return;
    end if;
    update ingest.notifier
    set
        delivered = notifier.delivered + (failure is null)::integer,
        last_delivered_at = case when failure is null then clock_timestamp() else notifier.last_delivered_at end,
        failed_attempts = notifier.failed_attempts + (failure is not null)::integer,
        last_failed_at = case when failure is null then notifier.last_failed_at else clock_timestamp() end,
        last_failure = coalesce(failure, notifier.last_failure),
        given_up = notifier.given_up + (failure is not null and pause is null)::integer;
end
$$;

revoke all on function ingest.take_notifier(uuid, interval) from public;
revoke all on function ingest.leave_notifier(uuid) from public;
revoke all on function ingest.write_told_states(jsonb) from public;
revoke all on function ingest.add_notification(text, text) from public;
revoke all on function ingest.record_delivery(text, text, interval) from public;
