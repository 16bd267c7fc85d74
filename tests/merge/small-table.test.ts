/** Promise 7: what a merge costs does not depend on how many rows Postgres thought were there when it planned it. */
import { describe, expect, test } from "bun:test";
import { useEmptyDatabase } from "../support/fixture.ts";
import { mergeAll, stageGenerated } from "./stage-generated.ts";

const database = useEmptyDatabase(import.meta.path);
const { sql } = database;
const records = 5_000;

describe.each([0, 1, 60])("with statistics of a table of %d rows", (rows) => {
    test("a merge looks keys up in the index, though it fills the table meanwhile", async () => {
        await sql`truncate events`;
        await sql`
            insert into events (event_id, event_type, product_id, user_id, event_timestamp, chunk_id, record_no)
            select md5('row ' || no)::uuid, 'view', 'p', 'u', now(), 0, no from generate_series(1, ${rows}::integer) as no`;
        await sql`vacuum analyze events`;
        const before = await scans();
        await stageGenerated(sql, records, { eventId: `md5(${rows} || ' ' || no)::uuid` });
        await mergeAll(sql);

        expect(await sql`select count(*)::integer as events from events`).toEqual([
            { events: rows + records },
        ] as never);
        expect((await scans()) - before).toBeLessThan(100);
    });
});

/** How often the table was read from its start: each look-up without the index is one more. */
async function scans(): Promise<number> {
    await sql`select pg_stat_force_next_flush()`;
    const [row] = await sql<{ scans: number }[]>`
        select seq_scan::integer as scans from pg_stat_user_tables where relid = 'public.events'::regclass`;
    return row!.scans;
}
