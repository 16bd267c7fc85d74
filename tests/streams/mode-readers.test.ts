/** What hangs on a table stays, whatever the mode in which files change it: views, rights, foreign keys, open cursors, replication slots. */
import { expect, test } from "bun:test";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import type { Mode } from "../../src/streams/mode.ts";
import { makeFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { makeProducts, readProducts, snapshotMode, writeProducts } from "../support/snapshots.ts";

interface ModeCase {
    mode: Mode;
    /** The second file; the first has `stored`. */
    records: string[];
    rows: string[];
    /** The names that the view has then, in the order of their prices. */
    dear: string[];
    /** What the slot carries: inserted, updated, deleted rows. Never a truncate, and nothing of rows that stay as they are. */
    changes: string[];
}

const stored = ["1,pen,1", "2,cup,2", "3,hat,3", "4,bag,4", "5,box,5"];

const cases: ModeCase[] = [
    {
        mode: { name: "insert" },
        records: ["2,cup,2", "5,bin,50", "6,mug,6"],
        rows: ["1 pen 1.00", "2 cup 2.00", "3 hat 3.00", "4 bag 4.00", "5 box 5.00", "6 mug 6.00"],
        dear: ["hat", "bag", "box", "mug"],
        changes: ["I"],
    },
    {
        mode: { name: "upsert", version: null, deleteWhen: "price = 0", keepsHistory: false },
        records: ["2,cup,20", "3,hat,3", "5,box,0", "6,mug,6"],
        rows: ["1 pen 1.00", "2 cup 20.00", "3 hat 3.00", "4 bag 4.00", "6 mug 6.00"],
        dear: ["hat", "bag", "mug", "cup"],
        changes: ["D", "I", "U"],
    },
    {
        mode: snapshotMode,
        records: ["1,pen,1", "2,cup,20", "3,hat,3", "4,bag,4", "6,mug,6"],
        rows: ["1 pen 1.00", "2 cup 20.00", "3 hat 3.00", "4 bag 4.00", "6 mug 6.00"],
        dear: ["hat", "bag", "mug", "cup"],
        changes: ["D", "I", "U"],
    },
];

const server = useOwnServer({ settings: { wal_level: "logical" } });

test.each(cases.map((modeCase) => [modeCase.mode.name, modeCase] as const))(
    "%s: a view, rights, a foreign key, an open cursor and a logical replication slot survive; the slot carries what differs, and no more",
    async (name, { mode, records, rows, dear, changes }) => {
        const target = await server.createDatabase();
        const folder = makeFolder();
        const ingest = async () =>
            await ingestFolder(
                target,
                folder,
                {},
                await applyStream(target, { ...streamOfTable("shop.products"), mode }),
            );
        await ask(target, async (sql) => {
            await makeProducts(sql);
            writeProducts(folder, "1.csv", stored);
            await ingest();
            await sql.unsafe(`
                create view shop.dear as select name, price from shop.products where price > 2;
                create role reads_after_${name};
                grant select on shop.products to reads_after_${name};
                create table shop.orders (no integer primary key, product_id bigint references shop.products);
                insert into shop.orders values (1, 1), (2, 2);
                create publication products for table shop.products`);
            await sql`select pg_create_logical_replication_slot(${name}, 'pgoutput')`;
            const readTable = async () =>
                (
                    await sql`select oid, relfilenode, relacl::text from pg_class where oid = 'shop.products'::regclass`
                )[0]!;
            const before = await readTable();

            await ask(target, async (reader) => {
                await reader.begin(async (transaction) => {
                    await transaction`declare reading cursor for select name from shop.products order by id`;
                    expect((await transaction`fetch 2 from reading`).map((row) => row.name)).toEqual(["pen", "cup"]);
                    writeProducts(folder, "2.csv", records);
                    // It waits for nobody who reads.
                    await ingest();
                    const rest = await transaction`fetch all from reading`;
                    expect(rest.map((row) => row.name)).toEqual(["hat", "bag", "box"]);
                });
            });

            expect(await readProducts(sql)).toEqual(rows);
            expect((await sql`select name from shop.dear order by price`).map((row) => row.name)).toEqual(dear);
            expect(await readTable()).toEqual(before);
            expect((await sql`select count(*)::integer as orders from shop.orders`)[0]).toEqual({ orders: 2 });
            expect(await readChanges(sql, name)).toEqual(changes);
            await expectChecksToPass(sql);
            await sql`select pg_drop_replication_slot(${name})`;
        });
    },
);

/** https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html */
async function readChanges(sql: Parameters<typeof expectChecksToPass>[0], slot: string): Promise<string[]> {
    const messages = await sql<{ kind: string }[]>`
        select chr(get_byte(data, 0)) as kind
        from pg_logical_slot_get_binary_changes(
            ${slot}, null, null, 'proto_version', '1', 'publication_names', 'products'
        )`;
    return messages
        .map(({ kind }) => kind)
        .filter((kind) => "IUDT".includes(kind))
        .sort();
}
