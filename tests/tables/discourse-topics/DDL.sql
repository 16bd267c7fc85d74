create table public.users (id integer primary key);
create table public.categories (id integer primary key);
insert into public.users values (-1), (1);
insert into public.categories values (3);

create table public.topics (
    id serial primary key,
    title varchar(255) not null,
    last_posted_at timestamp,
    created_at timestamp not null,
    views integer not null default 0,
    posts_count integer not null default 0,
    user_id integer references public.users,
    category_id integer references public.categories,
    archetype varchar(30) not null default 'regular',
    slug varchar,
    closed boolean not null default false,
    percent_rank double precision not null default 1.0,
    visible boolean not null default true,
    featured_link varchar(20),
    constraint index_topics_on_slug unique (slug),
    constraint has_category_id check (category_id is not null or archetype <> 'regular'),
    constraint pm_has_no_category check (category_id is null or archetype <> 'private_message')
);

insert into public.topics (id, title, created_at, user_id, category_id, slug)
values (1, 'Welcome', '2020-01-01', -1, 3, 'welcome');
