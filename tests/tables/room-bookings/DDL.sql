create extension btree_gist;

create table public.rooms (room_no integer primary key);
insert into public.rooms values (101), (102);

create table public.bookings (
    booking_id uuid primary key default gen_random_uuid(),
    room_no integer not null references public.rooms,
    during tstzrange not null constraint bookings_during_bounded check (not isempty(during) and not upper_inf(during)),
    guests smallint not null check (guests > 0),
    days daterange,
    rate numeric(7, 2),
    constraint bookings_no_overlap exclude using gist (room_no with =, during with &&)
);

insert into public.bookings (booking_id, room_no, during, guests)
values ('00000000-0000-4000-8000-000000000000', 102, '[2026-06-01 14:00+00, 2026-06-03 10:00+00)', 2);
