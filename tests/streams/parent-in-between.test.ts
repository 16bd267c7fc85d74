/** Two streams of which one is the other's parent, merged at the same time: a verdict that was true a moment ago keeps its reason. */
import { expect, test } from "bun:test";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { useDatabase } from "../support/fixture.ts";
import { openSession } from "../support/sessions.ts";

const database = useDatabase(import.meta.path);
const { sql } = database;

test("a record whose parent arrives between verdict and report is rejected with its reason", async () => {
    await sql.unsafe(`
        create table public.parents (id bigint primary key);
        create table public.children (id bigint primary key, parent_id bigint references public.parents)`);
    await applyStream(database.target, streamOfTable("public.children"));
    const session = openSession(database);
    await session.begin(async (merge) => {
        await merge`select ingest.prepare_merge('ingest_children')`;
        await merge`insert into ingest_children.staging (load_id, chunk_id, record_no, slice_no, id, parent_id)
            values (1, 1, 1, 0, '1', '7'), (1, 1, 2, 0, '2', null)`;
        await merge`select ingest.add_restaged_chunk(1, 1, ingest.all_slices())`;
        await merge`select ingest_children.count_records()`;
        await merge`select ingest_children.insert_or_refuse()`;
        await sql`insert into public.parents values (7)`;
        await merge`select ingest_children.reject_records(-1)`;
        const rejects = await merge`select record_no::integer as no, reasons, retry_when from ingest.rejects`;
        expect(rejects.map((row) => ({ ...row }))).toEqual([
            { no: 1, reasons: ["parent_id_unknown"], retry_when: "parent" },
        ]);
    });
});
