create schema musicbrainz;

create function musicbrainz.controlled_for_whitespace(value text)
returns boolean
language sql
immutable
as $$ select value = trim(regexp_replace(value, '\s{2,}', ' ', 'g')) $$;

create domain musicbrainz.month as smallint constraint month_of_year check (value between 1 and 12);

create table musicbrainz.artist_type (id integer primary key, name text not null);
insert into musicbrainz.artist_type values (1, 'Person'), (2, 'Group');

create table musicbrainz.artist (
    id serial primary key,
    gid uuid not null,
    name varchar not null check (musicbrainz.controlled_for_whitespace(name)),
    sort_name varchar not null,
    begin_date_year smallint,
    begin_date_month musicbrainz.month,
    begin_date_day smallint,
    end_date_year smallint,
    type integer references musicbrainz.artist_type,
    comment varchar(255) not null default '',
    edits_pending integer not null default 0 check (edits_pending >= 0),
    last_updated timestamptz default now(),
    ended boolean not null default false,
    constraint artist_ended_check check (end_date_year is null or ended)
);

create unique index artist_idx_gid on musicbrainz.artist (gid);

insert into musicbrainz.artist (id, gid, name, sort_name, type, last_updated)
values (1, '89ad4ac3-39f7-470e-963a-56509c546377', 'Various Artists', 'Various Artists', 2, '2020-01-01');
