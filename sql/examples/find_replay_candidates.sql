-- Which rejects would pass today, so that a replay inserts them? By their stored reasons, with a sample of each.
-- Columns: reasons, rejects, sample_reject_id, sample_record
select
    rejects.reasons,
    count(*) as rejects,
    min(rejects.reject_id) as sample_reject_id,
    (array_agg(rejects.record order by rejects.reject_id))[1] as sample_record
from ingest.rejects
where
    rejects.kind = 'rejected'
    and rejects.resolved_by_batch is null
    and rejects.record is not null
    and not exists (
        select from jsonb_to_recordset(ingest.record_verdicts(rejects.record)) as verdicts (reason text)
        where verdicts.reason is not null
    )
group by rejects.reasons
order by rejects desc;
