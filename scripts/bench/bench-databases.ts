/** The databases that runs take place in: a fresh one for each, or one whose events hold millions of rows already. */
import { connect, type Sql } from "../../src/database/connect.ts";
import { type DatabaseTarget, withDatabase } from "../../src/database/database-target.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";

/** Runs `work` in a new database with Sluice's tables, and drops it. */
export async function withFreshDatabase<Result>(
    server: DatabaseTarget,
    admin: Sql,
    work: (target: DatabaseTarget) => Promise<Result>,
): Promise<Result> {
    const name = `sluice_bench_${process.pid}`;
    await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.unsafe(`create database ${name} template template0`);
    const target = withDatabase(server, name);
    try {
        await migrateDatabase(target, { log: () => {} });
        return await work(target);
    } finally {
        await admin.unsafe(`drop database if exists ${name} with (force)`);
    }
}

/**
 * The database whose events hold `rows` rows; made when it is not there. Runs add to it: each of a few rounds meets a
 * table that is a few percent larger, which is what a table does. One that has grown by half is made anew.
 */
export async function openFilledDatabase(
    server: DatabaseTarget,
    admin: Sql,
    rows: number,
    log: (line: string) => void,
): Promise<DatabaseTarget> {
    const name = `sluice_bench_${rows}_rows`;
    const target = withDatabase(server, name);
    if ((await isThere(admin, name)) && (await countRows(target)) <= rows * 1.5) {
        await migrateDatabase(target, { log: () => {} });
        return target;
    }
    log(`filling a table with ${rows.toLocaleString("en-US")} rows`);
    await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.unsafe(`drop database if exists ${name}_partial with (force)`);
    await admin.unsafe(`create database ${name}_partial template template0`);
    await fillEvents(withDatabase(server, `${name}_partial`), rows);
    await admin.unsafe(`alter database ${name}_partial rename to ${name}`);
    return target;
}

export async function dropFilledDatabase(admin: Sql, rows: number): Promise<void> {
    await admin.unsafe(`drop database if exists sluice_bench_${rows}_rows with (force)`);
}

async function isThere(admin: Sql, name: string): Promise<boolean> {
    return (await admin`select from pg_database where datname = ${name}`).length > 0;
}

/** By the planner's figures: near enough. */
async function countRows(target: DatabaseTarget): Promise<number> {
    const sql = connect(target, { applicationName: "bench", max: 1 });
    try {
        await sql`analyze public.events`;
        const [row] = await sql<[{ rows: number }]>`
            select reltuples::float8 as rows from pg_class where oid = 'public.events'::regclass`;
        return row.rows;
    } finally {
        await sql.end();
    }
}

/**
 * Rows first, indexes after. Those whose keys come in no order are built 70 % full, as inserts would have left them; a
 * freshly built index is 90 % full and splits nearly every page at the first million inserts.
 */
async function fillEvents(target: DatabaseTarget, rows: number): Promise<void> {
    await migrateDatabase(target, { log: () => {} });
    const sql = connect(target, { applicationName: "bench", max: 1 });
    try {
        const indexes = await sql<{ name: string; definition: string }[]>`
            select indexname as name, indexdef as definition
            from pg_indexes
            where schemaname = 'public' and tablename = 'events' and indexname <> 'events_pkey'`;
        await sql`alter table public.events drop constraint events_pkey`;
        for (const { name } of indexes) await sql.unsafe(`drop index public.${name}`);
        await sql`
            insert into public.events (
                event_id, event_type, product_id, user_id, event_timestamp, quantity, price, chunk_id, record_no
            )
            select
                gen_random_uuid(),
                (array['view', 'view', 'view', 'view', 'add_to_cart', 'add_to_cart', 'purchase'])[1 + numbers % 7],
                'product_' || lpad((1 + random() * 499)::int::text, 4, '0'),
                'user_' || lpad((1 + random() * 4999)::int::text, 5, '0'),
                date_trunc('second', now() - interval '1 day' - (${rows}::bigint - numbers) * interval '100 milliseconds'),
                numbers % 7 / 6,
                numbers % 7 / 6 * 19.99,
                0,
                numbers
            from generate_series(1, ${rows}::bigint) as numbers`;
        await sql`set maintenance_work_mem = '512MB'`;
        await sql`alter table public.events add constraint events_pkey primary key (event_id) with (fillfactor = 70)`;
        await sql`alter index public.events_pkey reset (fillfactor)`;
        for (const { name, definition } of indexes) {
            const isInOrder = name === "idx_events_timestamp" || name === "idx_events_event_type";
            await sql.unsafe(isInOrder ? definition : `${definition} with (fillfactor = 70)`);
            if (!isInOrder) await sql.unsafe(`alter index public.${name} reset (fillfactor)`);
        }
        await sql`vacuum (analyze) public.events`;
    } finally {
        await sql.end();
    }
}
