/** What hangs on a table stays when a snapshot is applied: views, rights, foreign keys, open cursors, replication slots. */
import { expect, test } from "bun:test";
import { makeFolder } from "../support/fixture.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { ingestProducts, makeProducts, readProducts, writeProducts } from "../support/snapshots.ts";

const server = useOwnServer({ settings: { wal_level: "logical" } });

test("a view, rights, a foreign key, an open cursor and a logical replication slot survive; the slot carries what differs, and no more", async () => {
    const target = await server.createDatabase();
    const folder = makeFolder();
    await ask(target, async (sql) => {
        await makeProducts(sql);
        writeProducts(folder, "1.csv", ["1,pen,1", "2,cup,2", "3,hat,3", "4,bag,4", "5,box,5"]);
        await ingestProducts(target, folder);
        await sql.unsafe(`
            create view shop.dear as select name, price from shop.products where price > 2;
            create role reads_products;
            grant select on shop.products to reads_products;
            create table shop.orders (no integer primary key, product_id bigint references shop.products);
            insert into shop.orders values (1, 1), (2, 2);
            create publication products for table shop.products`);
        await sql`select pg_create_logical_replication_slot('products', 'pgoutput')`;
        const [before] = await sql`
            select oid, relfilenode, relacl::text from pg_class where oid = 'shop.products'::regclass`;

        await ask(target, async (reader) => {
            await reader.begin(async (transaction) => {
                await transaction`declare reading cursor for select name from shop.products order by id`;
                expect((await transaction`fetch 2 from reading`).map(({ name }) => name)).toEqual(["pen", "cup"]);
                writeProducts(folder, "2.csv", ["1,pen,1", "2,cup,20", "3,hat,3", "4,bag,4", "6,mug,6"]);
                // It waits for nobody who reads.
                await ingestProducts(target, folder);
                expect((await transaction`fetch all from reading`).map(({ name }) => name)).toEqual([
                    "hat",
                    "bag",
                    "box",
                ]);
            });
        });

        expect(await readProducts(sql)).toEqual([
            "1 pen 1.00",
            "2 cup 20.00",
            "3 hat 3.00",
            "4 bag 4.00",
            "6 mug 6.00",
        ]);
        expect((await sql`select name from shop.dear order by price`).map(({ name }) => name)).toEqual([
            "hat",
            "bag",
            "mug",
            "cup",
        ]);
        expect(
            (await sql`select oid, relfilenode, relacl::text from pg_class where oid = 'shop.products'::regclass`)[0],
        ).toEqual(before!);
        expect((await sql`select count(*)::integer as orders from shop.orders`)[0]).toEqual({ orders: 2 });
        const changes = await sql`
            select chr(get_byte(data, 0)) as kind
            from pg_logical_slot_get_binary_changes(
                'products', null, null, 'proto_version', '1', 'publication_names', 'products'
            )`;
        // https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
        expect(changes.map(({ kind }) => kind).filter((kind) => "IUDT".includes(kind))).toEqual(["D", "U", "I"]);
        await expectChecksToPass(sql);
        await sql.unsafe("select pg_drop_replication_slot('products')");
    });
});
