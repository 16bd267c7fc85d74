create schema crm;

create table crm.segments (code text primary key);
insert into crm.segments values ('smb'), ('enterprise');

create table crm.customers (
    customer_sk bigint generated always as identity primary key,
    source_system varchar(8) not null,
    external_id varchar(20) not null,
    name text not null,
    segment text references crm.segments,
    credit_limit numeric(12, 2) not null default 0,
    first_seen date not null,
    inserted_at timestamptz not null default now(),
    constraint customers_natural_key unique (source_system, external_id),
    constraint customers_credit check (credit_limit >= 0)
);
