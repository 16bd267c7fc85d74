create schema metrics;

create table metrics.devices (device_id text primary key);
insert into metrics.devices values ('weather-pro-000000'), ('weather-pro-000001');

create table metrics.conditions (
    time timestamptz not null,
    device_id text not null references metrics.devices,
    temperature double precision,
    humidity double precision constraint humidity_is_percent check (humidity between 0 and 100),
    battery real,
    ip inet,
    mac macaddr,
    uptime interval,
    sampled_at time,
    primary key (time, device_id)
);

create index on metrics.conditions (device_id, time desc);
