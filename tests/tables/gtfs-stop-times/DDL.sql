create table public.trips (trip_id text primary key);
create table public.stops (stop_id text primary key);
insert into public.trips values ('T1'), ('T2');
insert into public.stops values ('S1'), ('S2'), ('S3');

create domain public.gtfs_time as text
constraint gtfs_time_form check (value ~ '^\d{1,2}:[0-5]\d:[0-5]\d$');

create table public.stop_times (
    trip_id text not null references public.trips,
    arrival_time public.gtfs_time,
    departure_time public.gtfs_time,
    stop_id text not null references public.stops,
    stop_sequence integer not null check (stop_sequence >= 0),
    stop_headsign text,
    pickup_type smallint default 0 check (pickup_type between 0 and 3),
    drop_off_type smallint default 0 check (drop_off_type between 0 and 3),
    shape_dist_traveled double precision check (shape_dist_traveled >= 0),
    timepoint boolean not null default true,
    primary key (trip_id, stop_sequence),
    constraint stop_times_departs check (lpad(departure_time, 8, '0') >= lpad(arrival_time, 8, '0'))
);
