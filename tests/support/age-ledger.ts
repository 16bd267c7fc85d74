import type { Sql } from "../../src/database/connect.ts";

/** As if so many days had gone by: everything that was merged so far is older by them. What events say of themselves stays. */
export async function ageLedger(sql: Sql, days: number): Promise<void> {
    const age = `${days} days`;
    await sql.begin(async (transaction) => {
        for (const statement of [
            "update public.events set created_at = created_at - $1::interval",
            `update ingest.files set discovered_at = discovered_at - $1::interval, updated_at = updated_at - $1::interval,
                merged_at = merged_at - $1::interval, archived_at = archived_at - $1::interval`,
            `update ingest.chunks set staged_at = staged_at - $1::interval, merged_at = merged_at - $1::interval,
                pruned_at = pruned_at - $1::interval`,
            "update ingest.loads set started_at = started_at - $1::interval, ended_at = ended_at - $1::interval",
            "update ingest.batches set started_at = started_at - $1::interval, finished_at = finished_at - $1::interval",
            `update ingest.rejects set rejected_at = rejected_at - $1::interval, resolved_at = resolved_at - $1::interval`,
        ]) {
            await transaction.unsafe(statement, [age]);
        }
        await transaction`select ingest.rebuild_totals()`;
    });
}
