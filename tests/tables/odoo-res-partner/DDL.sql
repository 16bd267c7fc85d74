create extension citext;

create table public.res_company (id integer primary key);
insert into public.res_company values (1);

create table public.res_partner (
    id serial primary key,
    name varchar,
    company_id integer references public.res_company,
    parent_id integer references public.res_partner,
    ref varchar constraint res_partner_ref_unique unique,
    type varchar default 'contact',
    active boolean default true,
    is_company boolean,
    employee boolean,
    color integer,
    email citext,
    credit_limit numeric,
    partner_latitude numeric(10, 7),
    create_date timestamp without time zone default (now() at time zone 'UTC'),
    display_name varchar generated always as (coalesce(name, '') || coalesce(' <' || email::text || '>', '')) stored,
    constraint res_partner_check_name check ((type = 'contact' and name is not null) or type <> 'contact')
);

insert into public.res_partner (id, name, ref, create_date) values (1, 'YourCompany', 'BASE', '2020-01-01');
