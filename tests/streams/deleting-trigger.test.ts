import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";

const database = useDatabase(import.meta.path);

test.each(["", "partition by range (id)"])(
    "a row that a trigger removes again is a reject, not an inserted one: %s",
    async (kind) => {
        const { sql } = database;
        const table = kind === "" ? "whole" : "parted";
        await sql.unsafe(`
        create table public.${table} (id integer primary key, note text) ${kind};
        ${kind === "" ? "" : `create table public.${table}_all partition of public.${table} for values from (0) to (100);`}
        create function public.drop_${table}() returns trigger language plpgsql as $$
        begin
            delete from public.${table} where id = new.id;
            return null;
        end $$;
        create trigger drops after insert on public.${table} for each row when (new.note = 'bad')
        execute function public.drop_${table}()`);
        const folder = makeFolder();
        writeFileSync(join(folder, "rows.csv"), "id,note\n1,good\n2,bad\n3,good\n");
        const stream = await applyStream(database.target, streamOfTable(`public.${table}`));
        const summary = await ingestFolder(database.target, folder, {}, stream);
        expect(summary.records).toEqual({ read: 3, inserted: 2, duplicate: 0, conflict: 0, rejected: 1 });
        const rows = await sql.unsafe(`select id from public.${table} order by id`);
        expect(rows.map(({ id }) => id)).toEqual([1, 3]);
        const [reject] =
            await sql`select refusal ->> 'message' as message from ingest.rejects where stream_id = ${stream.id}`;
        expect(reject!.message).toBe("The trigger drops removed a row again.");
    },
);
