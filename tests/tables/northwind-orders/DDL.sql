create table public.customers (customer_id char(5) primary key);
create table public.employees (employee_id smallint primary key);
insert into public.customers values ('VINET'), ('TOMS');
insert into public.employees values (5), (6);

create table public.orders (
    order_id smallint primary key,
    customer_id char(5) references public.customers,
    employee_id smallint references public.employees,
    order_date date,
    required_date date,
    shipped_date date,
    ship_via smallint,
    freight real,
    ship_name varchar(40),
    ship_country varchar(15),
    constraint orders_required_later check (required_date >= order_date)
);
