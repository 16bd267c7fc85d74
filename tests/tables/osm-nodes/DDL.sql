create extension hstore;

create table public.changesets (id bigint primary key);
insert into public.changesets values (100);

create table public.nodes (
    id bigint not null,
    version integer not null check (version > 0),
    lat numeric(9, 7) not null check (lat between -90 and 90),
    lon numeric(10, 7) not null check (lon between -180 and 180),
    "timestamp" timestamptz not null,
    changeset_id bigint not null references public.changesets,
    visible boolean not null,
    tags hstore not null default '',
    primary key (id, version)
);
