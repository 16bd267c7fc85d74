-- Answers to the engine's questions about the stream's tables.

-- 'rows': what is loaded. 'sums': kept beside the rows, and cleared with them. 'rules': what the owner fills and rules ask.
create or replace function ingest.stream_tables()
returns table (table_name text, holds text)
language sql
immutable
as $$
values
('public.events', 'rows'),
('ingest.event_stats', 'sums'),
('ingest.product_stats', 'sums'),
('ingest.event_types', 'rules')
$$;

create or replace function ingest.count_rows()
returns bigint
language sql
stable
as $$
select coalesce(sum(event_stats.events), 0)::bigint
from ingest.event_stats
where event_stats.grain = 'total'
$$;
