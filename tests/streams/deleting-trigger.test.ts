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
        expect(summary.records).toMatchObject({ read: 3, inserted: 2, duplicate: 0, conflict: 0, rejected: 1 });
        const rows = await sql.unsafe(`select id from public.${table} order by id`);
        expect(rows.map(({ id }) => id)).toEqual([1, 3]);
        const [reject] =
            await sql`select refusal ->> 'message' as message from ingest.rejects where stream_id = ${stream.id}`;
        expect(reject!.message).toBe("The trigger drops removed a row again.");
    },
);

test("a trigger of one partition that gives a row another key is a reject: the record is not counted as inserted", async () => {
    const { sql } = database;
    await sql.unsafe(`
        create table public.keyed (id integer primary key, note text) partition by range (id);
        create table public.keyed_all partition of public.keyed for values from (0) to (100);
        create function public.rekey() returns trigger language plpgsql as $$
        begin
            if new.note = 'bad' then new.id := new.id + 50; end if;
            return new;
        end $$;
        create trigger rekeys before insert on public.keyed_all for each row execute function public.rekey()`);
    const folder = makeFolder();
    writeFileSync(join(folder, "rows.csv"), "id,note\n1,good\n2,bad\n3,good\n");
    const stream = await applyStream(database.target, { ...streamOfTable("public.keyed"), allowsTriggers: true });
    const summary = await ingestFolder(database.target, folder, {}, stream);
    expect(summary.records).toMatchObject({ read: 3, inserted: 2, duplicate: 0, conflict: 0, rejected: 1 });
    const [reject] =
        await sql`select refusal ->> 'message' as message from ingest.rejects where stream_id = ${stream.id}`;
    expect(reject!.message).toStartWith("A trigger on keyed left the record out without an error");
});

test("keys beyond the largest one, below it and known ones meet in one batch, and each counts once", async () => {
    const { sql } = database;
    await sql`create table public.sparse (id bigint primary key, note text)`;
    const stream = await applyStream(database.target, streamOfTable("public.sparse"));
    const first = makeFolder();
    writeFileSync(join(first, "a.csv"), "id,note\n10,a\n-20,a\n30,a\n");
    const second = makeFolder();
    writeFileSync(join(second, "b.csv"), "id,note\n40,b\n30,a\n20,b\n10,other\n40,b\n-30,b\n");
    const counts = (folder: string) => ingestFolder(database.target, folder, {}, stream).then(({ records }) => records);
    expect(await counts(first)).toMatchObject({ read: 3, inserted: 3, duplicate: 0, conflict: 0, rejected: 0 });
    expect(await counts(second)).toMatchObject({ read: 6, inserted: 3, duplicate: 2, conflict: 1, rejected: 0 });
    const rows = await sql`select id, note from public.sparse order by id`;
    expect(rows.map(({ id, note }) => `${id}${note}`)).toEqual(["-30b", "-20a", "10a", "20b", "30a", "40b"]);
});
