-- The key space in sixteen fixed shares, so that merges that run side by side never meet an event_id of each other's.
insert into ingest.slices (slice_no)
select slice_no from generate_series(0, 15) as slice_numbers (slice_no)
on conflict (slice_no) do nothing;

insert into ingest.loader_lease (only_row)
values (true)
on conflict (only_row) do nothing;

-- The slice of a key as it stands in the file: its last hex digit, whatever its case; 0 for a text that ends otherwise.
-- The last digit is random in uuid versions 1 to 8 or at least spread; the definition does not depend on the
-- version of Postgres (as hashtext would), since chunks.merged_slices outlives an upgrade.
create or replace function ingest.slice_of(key text)
returns integer
language sql
immutable
parallel safe
return strpos('0123456789abcdef0123456789ABCDEF', right(rtrim(key, E' \t\n\r\f\v'), 1)) & 15;

-- The bit masks of slices already merged and still to do are integers: 65535 is all sixteen.
create or replace function ingest.all_slices()
returns integer
language sql
immutable
parallel safe
return 65535;
