/**
 * The floor: what Postgres needs to insert the same rows once they are parsed, typed, valid, first of their id, and in
 * the order of the key. What Sluice uses beyond that is its overhead.
 */
import { createReadStream } from "node:fs";
import { connect, connectForCopy, type Sql } from "../../src/database/connect.ts";
import { copyRows } from "../../src/database/copy-rows.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { type BenchTable, benchTables } from "./bench-tables.ts";
import type { Measured } from "./runners.ts";
import { watchServer, yardstickName } from "./watch-server.ts";

const { columns: readyColumns } = benchTables.events;

/** Inserts into `table` over so many connections, each a share of the keys. Making the ready rows is not measured. */
export async function runInsert(
    target: DatabaseTarget,
    admin: Sql,
    csvFile: string,
    connections: number,
    { name: table }: BenchTable,
): Promise<Measured> {
    const clients = Array.from({ length: connections }, () =>
        connect(target, { applicationName: yardstickName, max: 1 }),
    );
    try {
        await prepareReadyRows(target, clients[0]!, csvFile, connections, table);
        // Or the sort, short as it is, goes to disk.
        await Promise.all(clients.map((client) => client`set work_mem = '512MB'`));
        await clients[0]!`checkpoint`;
        const watch = await watchServer(admin, target.database);
        const startedAt = performance.now();
        await Promise.all(
            clients.map((client, share) =>
                client.unsafe(
                    `insert into ${table} (${readyColumns})
                    select ${readyColumns} from bench_ready_${share} order by event_id`,
                ),
            ),
        );
        const seconds = (performance.now() - startedAt) / 1000;
        const use = await watch.stop();
        return { seconds, processSeconds: 0, peakRssBytes: null, records: null, batches: null, ...use };
    } finally {
        for (const [share, client] of clients.entries()) {
            await client.unsafe(`drop table if exists bench_ready_${share}`).catch(() => {});
            await client.end();
        }
    }
}

/** One UNLOGGED table a connection, each with a share of the keys, in key order already: the sort costs next to nothing. */
async function prepareReadyRows(
    target: DatabaseTarget,
    sql: Sql,
    csvFile: string,
    shares: number,
    table: string,
): Promise<void> {
    const copyClient = connectForCopy(target, { applicationName: yardstickName });
    try {
        await sql.unsafe(`create unlogged table bench_ready as select ${readyColumns} from ${table} with no data`);
        await copyRows(
            copyClient,
            `copy bench_ready (${readyColumns}) from stdin (format csv)`,
            createReadStream(csvFile),
        );
        await sql`set work_mem = '512MB'`;
        for (let share = 0; share < shares; share += 1) {
            await sql.unsafe(
                `create unlogged table bench_ready_${share} as
                select * from bench_ready where mod(('x' || right(event_id::text, 1))::bit(4)::int, ${shares}) = ${share}
                order by event_id`,
            );
            await sql.unsafe(`analyze bench_ready_${share}`);
        }
        await sql`drop table bench_ready`;
    } finally {
        await copyClient.close();
    }
}
