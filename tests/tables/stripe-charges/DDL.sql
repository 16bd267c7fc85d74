create schema billing;

create domain billing.currency as char(3)
constraint currency_is_lower_case check (value ~ '^[a-z]{3}$');

create type billing.charge_status as enum ('pending', 'succeeded', 'failed');

create table billing.customers (id text primary key);
insert into billing.customers values ('cus_9s6XKzkNRiz8i3'), ('cus_9s6XGDTHzA66Po');

create table billing.charges (
    id text primary key constraint charge_id_prefix check (id ~ '^ch_[A-Za-z0-9]{8,}$'),
    amount bigint not null constraint amount_is_positive check (amount > 0),
    amount_refunded bigint not null default 0,
    currency billing.currency not null,
    status billing.charge_status not null,
    captured boolean not null default true,
    customer text references billing.customers (id),
    payment_intent text constraint charges_payment_intent_key unique,
    description varchar(22),
    metadata jsonb not null default '{}',
    created timestamptz not null,
    constraint refunded_within_amount check (amount_refunded between 0 and amount)
);
