/** A table with indexes of every kind that may be deferred, and some that may not; and a file that is worth it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";

export const deferrable = [
    "Orders By Customer",
    "orders_by_day",
    "orders_day_range",
    "orders_initial",
    "orders_lower",
    "orders_words",
];

export async function makeOrders(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create schema "Shop";
        create function "Shop".initial(name text) returns text language sql immutable return left(name, 1);
        create table "Shop".orders (
            id bigint primary key,
            customer text not null,
            day date not null,
            amount numeric(10, 2),
            note text
        );
        create index orders_by_day on "Shop".orders (day desc nulls last, id);
        comment on index "Shop".orders_by_day is 'for the report''s first page';
        create index "Orders By Customer" on "Shop".orders (customer text_pattern_ops, amount) include (day) with (fillfactor = 70);
        create index orders_lower on "Shop".orders (lower(customer) collate "C") where amount > 10;
        create index orders_words on "Shop".orders using gin (to_tsvector('simple', left(note, 20))) with (fastupdate = off);
        create index orders_day_range on "Shop".orders using brin (day date_minmax_multi_ops) with (pages_per_range = 16);
        create index orders_initial on "Shop".orders ("Shop".initial(customer));
        create unique index orders_once on "Shop".orders (day, id);
        create index orders_clustered on "Shop".orders (amount);
        alter table "Shop".orders cluster on orders_clustered;
        create index orders_measured on "Shop".orders ((amount * 2));
        alter index "Shop".orders_measured alter column 1 set statistics 500`);
}

export const orderCount = 9_000;

/** A little more than the 8 MiB from which on a backlog is one. */
export function writeOrders(folder: string): void {
    const note = "long ".repeat(195);
    const lines = Array.from({ length: orderCount }, (_, no) => {
        const day = new Date(Date.UTC(2026, 0, 1 + (no % 300))).toISOString().slice(0, 10);
        return `${no},Customer ${no % 97},${day},${no % 90}.50,${no} ${note}\n`;
    });
    writeFileSync(join(folder, "orders.csv"), `id,customer,day,amount,note\n${lines.join("")}`);
}

/** What a person would compare: all indexes with definition and comment, and what is still in the ledger. */
export async function readIndexes(sql: Sql, table = '"Shop".orders') {
    const indexes = await sql`
        select pg_get_indexdef(indexrelid) as definition, obj_description(indexrelid, 'pg_class') as comment, indisvalid
        from pg_index
        where indrelid = ${table}::regclass
        order by 1`;
    const [ledger] = await sql<{ deferred: number }[]>`select count(*) as deferred from ingest.deferred_indexes`;
    return { indexes: indexes.map((index) => ({ ...index })), deferred: ledger!.deferred };
}
