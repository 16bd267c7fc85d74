create table public.customer (customer_id integer primary key);
create table public.staff (staff_id integer primary key);
create table public.rental (rental_id integer primary key);
insert into public.customer values (1), (2);
insert into public.staff values (1), (2);
insert into public.rental values (11), (12);

create sequence public.payment_payment_id_seq;

create table public.payment (
    payment_id integer not null default nextval('public.payment_payment_id_seq'),
    customer_id integer not null references public.customer,
    staff_id integer not null references public.staff,
    rental_id integer not null references public.rental,
    amount numeric(5, 2) not null constraint payment_amount_not_negative check (amount >= 0),
    payment_date timestamptz not null,
    primary key (payment_date, payment_id)
) partition by range (payment_date);

create table public.payment_p2022_01 partition of public.payment
for values from ('2022-01-01 00:00:00+00') to ('2022-02-01 00:00:00+00');

create table public.payment_p2022_02 partition of public.payment
for values from ('2022-02-01 00:00:00+00') to ('2022-03-01 00:00:00+00');
