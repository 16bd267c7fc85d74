create table public.accounts (id bigint primary key);
insert into public.accounts values (1), (2);

create function public.timestamp_id(table_name text)
returns bigint
language sql
volatile
as $$ select (extract(epoch from clock_timestamp()) * 1000)::bigint << 16 $$;

create table public.statuses (
    id bigint primary key default public.timestamp_id('statuses'),
    uri varchar,
    text text not null default '',
    created_at timestamp(6) without time zone not null,
    updated_at timestamp(6) without time zone not null,
    in_reply_to_id bigint references public.statuses on delete set null,
    reblog_of_id bigint references public.statuses on delete cascade,
    url varchar,
    sensitive boolean not null default false,
    visibility integer not null default 0,
    spoiler_text text not null default '',
    reply boolean not null default false,
    language varchar,
    conversation_id bigint,
    local boolean,
    account_id bigint not null references public.accounts,
    deleted_at timestamp without time zone,
    ordered_media_attachment_ids bigint[]
);

create unique index index_statuses_on_uri on public.statuses (uri) where uri is not null;
create index index_statuses_on_account on public.statuses (account_id, id desc) where deleted_at is null;

insert into public.statuses (id, uri, text, created_at, updated_at, account_id)
values (109000000000000001, 'https://a.example/0', 'The first', '2025-12-31 23:59:59', '2025-12-31 23:59:59', 1);
