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

-- Raises SL004 unless these are texts, or nulls, by column; or there are none.
create or replace function ingest.require_changes(changes jsonb)
returns void
language plpgsql
as $$
begin
    if changes is null then
        return;
    end if;
    if jsonb_typeof(changes) <> 'object' or changes = '{}' or jsonb_path_exists(changes, '$.* ? (@.type() != "string" && @.type() != "null")') then
        raise exception 'the new values of a reject are one JSON object of texts by column' using errcode = 'SL004';
    end if;
end
$$;

-- Writes values into the records of rejects that stand. Counts what it did: somebody else may be changing one now, or have
-- resolved it. `seen`: as for a replay. It runs with its owner's rights and may be granted, as ingest.replay_rejects.
create or replace function ingest.edit_rejects(chosen bigint[], changes jsonb, seen jsonb default null)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    may_make constant boolean := cardinality(chosen) = 1;
    locked bigint[];
    edited bigint;
    standing bigint;
    resolved bigint;
begin
    perform ingest.require_changes(coalesce(changes, '{}'));
    locked := array(
        select rejects.reject_id
        from unnest(chosen) as chosen_rejects (reject_id)
        inner join ingest.rejects on rejects.reject_id = chosen_rejects.reject_id
        where rejects.resolved_by_batch is null and (rejects.record is not null or may_make)
        order by rejects.reject_id
        for update of rejects skip locked
    );
    if seen is not null and exists (
        select from ingest.rejects
        where rejects.reject_id = locked[1] and rejects.edited_at is distinct from (seen ->> 'editedAt')::timestamptz
    ) then
        raise exception 'the reject is not as it was seen' using errcode = 'SL008';
    end if;

    update ingest.rejects
    set record = coalesce(rejects.record, '{}') || changes
    from unnest(locked) as locked_rejects (reject_id)
    where
        rejects.reject_id = locked_rejects.reject_id
        and rejects.record is distinct from coalesce(rejects.record, '{}') || changes;
    get diagnostics edited = row_count;

    select
        count(*) filter (where rejects.resolved_by_batch is null and (rejects.record is not null or may_make)),
        count(*) filter (where rejects.resolved_by_batch is not null)
    into standing, resolved
    from unnest(chosen) as chosen_rejects (reject_id)
    inner join ingest.rejects on rejects.reject_id = chosen_rejects.reject_id;
    return jsonb_build_object(
        'edited', edited,
        'unchanged', cardinality(locked) - edited,
        'busy', standing - cardinality(locked),
        'resolved', resolved
    );
end
$$;

revoke all on function ingest.edit_rejects(bigint[], jsonb, jsonb) from public;

-- Raises SL008 when the one reject that is replayed, or the row that its key names, is not what the caller has seen.
create or replace function ingest.require_seen(home text, seen jsonb)
returns void
language plpgsql
as $$
declare
    comparison jsonb;
    has_changed boolean;
begin
    if seen is null or not exists (select from replayed_rejects) then
        return;
    end if;
    if seen ? 'editedAt' and exists (
        select from replayed_rejects
        inner join ingest.rejects on rejects.reject_id = replayed_rejects.reject_id
        where rejects.edited_at is distinct from (seen ->> 'editedAt')::timestamptz
    ) then
        raise exception 'the reject is not as it was seen' using errcode = 'SL008';
    end if;
    if seen ? 'storedHash' then
        execute format('select %I.compare_record(replayed_rejects.record) from replayed_rejects', home) into comparison;
        if ingest.hash_stored(comparison) is distinct from seen ->> 'storedHash' then
            raise exception 'the stored row is not as it was seen' using errcode = 'SL008';
        end if;
    end if;
end
$$;

-- By which one sees whether the stored row is still the same.
create or replace function ingest.hash_stored(comparison jsonb)
returns text
language sql
immutable
return md5((comparison -> 'stored')::text);

-- The values of a record, each with what the stored row has (`comparison` is what the stream's compare_record gives) and with
-- the reason that the rules have against it today. Columns of the table first, in its order. Long texts are cut.
create or replace function ingest.describe_fields(home text, record jsonb, comparison jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
    most_characters constant integer := 2000;
    verdicts jsonb;
begin
    execute format('select %I.record_verdicts($1)', home) into verdicts using record;
    return (
        select
            jsonb_agg(
                jsonb_build_object(
                    'column', fields.name,
                    'arriving', left(fields.arriving, most_characters),
                    'stored', left(fields.stored, most_characters),
                    'differs', case when comparison is not null then comparison -> 'differs' ? fields.name end,
                    'reason', fields.reason,
                    'isCut', greatest(length(fields.arriving), length(fields.stored)) > most_characters is true
                )
                order by fields.position, fields.name
            )
        from (
            select
                verdicts_of_columns.position,
                verdicts_of_columns.verdict ->> 'column' as name,
                record ->> (verdicts_of_columns.verdict ->> 'column') as arriving,
                comparison -> 'stored' ->> (verdicts_of_columns.verdict ->> 'column') as stored,
                verdicts_of_columns.verdict ->> 'reason' as reason
            from jsonb_array_elements(verdicts) with ordinality as verdicts_of_columns (verdict, position)
            union all
            select null, others.name, record ->> others.name, comparison -> 'stored' ->> others.name, null
            from jsonb_object_keys(record || coalesce(nullif(comparison -> 'stored', 'null'), '{}')) as others (name)
            where not verdicts @> jsonb_build_array(jsonb_build_object('column', others.name))
        ) as fields
    );
end
$$;

-- A reject beside the row that its key names. `row`: 'differs', 'equal' (a replay would make it a duplicate), 'gone', null where a
-- rejected record names none, or 'unreadable' while the stream's table is not as its functions know it.
create or replace function ingest.describe_reject(asked_reject_id bigint)
returns jsonb
language plpgsql
stable
as $$
declare
    asked ingest.rejects;
    home text;
    comparison jsonb;
    fields jsonb;
    replaced_by bigint;
begin
    select rejects.* into asked from ingest.rejects where rejects.reject_id = asked_reject_id;
    home := ingest.home_of(asked.stream_id);
    begin
        if asked.record is not null then
            execute format('select %I.compare_record($1)', home) into comparison using asked.record;
        end if;
        if asked.kind = 'conflict' then
            execute format('select %I.replaced_since($1, $2)', home)
            into replaced_by using asked.record, asked.rejected_at;
        end if;
        fields := ingest.describe_fields(home, coalesce(asked.record, '{}'), comparison);
    exception
        when syntax_error_or_access_rule_violation or invalid_schema_name then
            return jsonb_build_object('row', 'unreadable', 'storedHash', null, 'replacedByBatch', null, 'fields', '[]'::jsonb);
    end;
    return jsonb_build_object(
        'row', case
            when comparison is null then case when asked.kind = 'conflict' then 'gone' end
            when comparison -> 'differs' = '[]' then 'equal'
            else 'differs'
        end,
        'storedHash', ingest.hash_stored(comparison),
        'replacedByBatch', replaced_by,
        'fields', fields
    );
end
$$;

-- Whether a conflict is one for this column. False while the stream's table is not as its functions know it.
create or replace function ingest.differs_in(this_stream smallint, record jsonb, wanted_column text)
returns boolean
language plpgsql
stable
as $$
declare
    comparison jsonb;
begin
    execute format('select %I.compare_record($1)', ingest.home_of(this_stream)) into comparison using record;
    return coalesce(comparison -> 'differs' ? wanted_column, false);
exception
    when syntax_error_or_access_rule_violation or invalid_schema_name then
        return false;
end
$$;

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
