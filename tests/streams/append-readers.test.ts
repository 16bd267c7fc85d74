/** What hangs on a table stays when records are appended: a view, a foreign key, an open cursor, a replication slot. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { appendTo, makeReadings } from "../support/append.ts";
import { makeFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { expectChecksToPass } from "../support/read-tables.ts";

const server = useOwnServer({ settings: { wal_level: "logical" } });

test("a view, rights, foreign keys, an open cursor and a logical replication slot survive; the slot carries each new row once", async () => {
    const target = await server.createDatabase();
    const folder = makeFolder();
    await ask(target, async (sql) => {
        await makeReadings(sql);
        await sql.unsafe(`
            create table meters (no bigint primary key);
            insert into meters values (1), (2);
            alter table readings add foreign key (meter) references meters;
            alter table readings add column id bigint generated always as identity primary key;
            insert into readings (meter, word) values (1, 'old');
            create table notes (reading bigint references readings);
            insert into notes values (1);
            create view words as select word from readings where meter = 1;
            create role reads_readings;
            grant select on readings to reads_readings;
            create publication readings for table readings`);
        await sql`select pg_create_logical_replication_slot('readings', 'pgoutput')`;
        const readTable = async () =>
            (await sql`select oid, relfilenode, relacl::text from pg_class where oid = 'readings'::regclass`)[0];
        const before = await readTable();
        const stream = await applyStream(target, appendTo("public.readings"));

        await ask(target, async (reader) => {
            await reader.begin(async (transaction) => {
                await transaction`declare reading cursor for select word from readings order by id`;
                expect((await transaction`fetch 1 from reading`).map(({ word }) => word)).toEqual(["old"]);
                writeFileSync(join(folder, "1.csv"), "meter,word\n1,a\n1,a\n9,b\n");
                // It waits for nobody who reads.
                await ingestFolder(target, folder, {}, stream);
                expect(await transaction`fetch all from reading`).toHaveLength(0);
            });
        });

        expect((await sql`select word from words order by word`).map(({ word }) => word)).toEqual(["a", "a", "old"]);
        expect(await readTable()).toEqual(before!);
        expect(await sql`select from notes`).toHaveLength(1);
        expect((await sql`select reasons from ingest.rejects`).map(({ reasons }) => reasons)).toEqual([
            ["meter_unknown"],
        ]);
        const changes = await sql`
            select chr(get_byte(data, 0)) as kind
            from pg_logical_slot_get_binary_changes(
                'readings', null, null, 'proto_version', '1', 'publication_names', 'readings'
            )`;
        // https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
        expect(changes.map(({ kind }) => kind).filter((kind) => "IUDT".includes(kind))).toEqual(["I", "I"]);
        await expectChecksToPass(sql);
        await sql.unsafe("select pg_drop_replication_slot('readings')");
    });
});
