-- rejects_event_id and rejects_odd_conflicts stay: they index the stream's key, so the stream's SQL makes them (sql/rendered/).
SELECT 1;
