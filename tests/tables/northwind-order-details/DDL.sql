create table public.orders (order_id smallint primary key);
create table public.products (product_id smallint primary key);
insert into public.orders values (10248), (10249);
insert into public.products values (11), (14), (42);

create table public.order_details (
    order_id smallint not null references public.orders,
    product_id smallint not null references public.products,
    unit_price real not null constraint ck_unit_price check (unit_price >= 0),
    quantity smallint not null constraint ck_quantity check (quantity > 0),
    discount real not null constraint ck_discount check (discount >= 0 and discount <= 1),
    constraint pk_order_details primary key (order_id, product_id)
);
