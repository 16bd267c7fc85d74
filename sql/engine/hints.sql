-- Paths at which the loader of a stream is to look, because somebody outside reported them (POST /v1/notify). They may be forged,
-- late or lost: what is there, a listing says. An empty path asks for a listing, as soon as one may begin. Nothing is owed; it is not
-- UNLOGGED all the same, because a loader asks for work on a standby, too, until that is promoted.
create table if not exists ingest.hints (
    stream_id smallint not null references ingest.streams (stream_id) on delete cascade,
    path text not null,
    primary key (stream_id, path)
);

-- `given` is a JSON array of {streamId, path}. A path that waits already is not added twice. For each stream 5,000 may wait: past
-- that, a listing is asked for in their place. Returns how many those were.
--
-- It runs with its owner's rights: a role that only reads may leave hints, if it is granted (sql/roles/).
create or replace function ingest.add_hints(given jsonb)
returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    with given_hints as (
        select distinct streams.stream_id, given_hints.path
        from jsonb_to_recordset(given) as given_hints ("streamId" smallint, path text)
        inner join ingest.streams on streams.stream_id = given_hints."streamId"
        where
            streams.is_active
            and octet_length(given_hints.path) between 1 and 2000
            and not exists (
                select from ingest.hints
                where hints.stream_id = given_hints."streamId" and hints.path = given_hints.path
            )
    ),

    waiting_hints as (
        select hints.stream_id, count(*) as waiting
        from ingest.hints
        where exists (select from given_hints where given_hints.stream_id = hints.stream_id)
        group by hints.stream_id
    ),

    numbered_hints as (
        select
            given_hints.stream_id,
            given_hints.path,
            coalesce(waiting_hints.waiting, 0)
            + row_number() over (partition by given_hints.stream_id order by given_hints.path) as place
        from given_hints
        left join waiting_hints on waiting_hints.stream_id = given_hints.stream_id
    ),

    added_hints as (
        insert into ingest.hints (stream_id, path)
        select distinct
            numbered_hints.stream_id,
            case when numbered_hints.place <= 5000 then numbered_hints.path else '' end
        from numbered_hints
        order by 1, 2
        on conflict do nothing
    )

    select count(*)
    from numbered_hints
    where numbered_hints.place > 5000
$$;

revoke all on function ingest.add_hints(jsonb) from public;

-- For the loader of the stream. They are gone with this, whatever becomes of its look.
create or replace function ingest.take_hints(this_stream smallint, most bigint)
returns setof text
language sql
as $$
    with taken_hints as (
        select hints.stream_id, hints.path
        from ingest.hints
        where hints.stream_id = this_stream
        order by hints.path
        limit most
        for update skip locked
    )

    delete from ingest.hints
    using taken_hints
    where hints.stream_id = taken_hints.stream_id and hints.path = taken_hints.path
    returning hints.path
$$;
