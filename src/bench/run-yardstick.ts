/** The yardsticks: COPY of ready rows straight into a table like events, by one connection or several. Checks nothing. */
import { createReadStream, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { connectForCopy, type Sql } from "../database/connect.ts";
import { copyRows } from "../database/copy-rows.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import { cpuSecondsOf } from "./measure-backends.ts";

export interface YardstickResult {
    seconds: number;
    /** CPU of the backends; null for a server that is not on this machine. */
    backendSeconds: number | null;
    records: number;
}

const columns = "event_id, event_type, product_id, user_id, event_timestamp, quantity, price";

/** Makes the table (with the definition and indexes of events) and copies `csvFile` into it by `connections` pieces. */
export async function runYardstick(
    target: DatabaseTarget,
    sql: Sql,
    csvFile: string,
    connections: number,
    existingTable: string | null,
): Promise<YardstickResult> {
    const table = existingTable ?? "bench_events";
    if (!existingTable) {
        await sql.unsafe(`create table ${table} (like public.events including all)`);
        await sql.unsafe(`alter table ${table} alter chunk_id drop not null, alter record_no drop not null`);
    }
    const pieces = await cutAtLines(csvFile, connections);
    const clients = pieces.map(() => connectForCopy(target, { applicationName: "bench-yardstick" }));
    try {
        const pids = await Promise.all(
            clients.map(async (client) => Number((await client`select pg_backend_pid() as pid`)[0].pid)),
        );
        const before = pids.map(cpuSecondsOf);
        const startedAt = performance.now();
        await Promise.all(
            pieces.map(({ start, end }, index) =>
                copyRows(
                    clients[index]!,
                    `copy ${table} (${columns}) from stdin (format csv)`,
                    createReadStream(csvFile, { start, end: end - 1, highWaterMark: 1024 * 1024 }),
                ),
            ),
        );
        const seconds = (performance.now() - startedAt) / 1000;
        const after = pids.map(cpuSecondsOf);
        const isKnown = [...before, ...after].every((value) => value !== null);
        const backendSeconds = after.reduce<number>(
            (sum, value, index) => sum + (value ?? 0) - (before[index] ?? 0),
            0,
        );
        const [row] = await sql.unsafe<{ records: number }[]>(`select count(*) as records from ${table}`);
        return { seconds, backendSeconds: isKnown ? backendSeconds : null, records: row!.records };
    } finally {
        await Promise.all(clients.map((client) => client.close()));
    }
}

/** Byte ranges of about the same size, each of whole lines, the header left out. The generator quotes no line ends. */
async function cutAtLines(csvFile: string, count: number): Promise<{ start: number; end: number }[]> {
    const size = statSync(csvFile).size;
    const file = await open(csvFile, "r");
    try {
        const lineEndAfter = async (position: number): Promise<number> => {
            if (position >= size) return size;
            const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, position);
            const lineFeed = buffer.subarray(0, bytesRead).indexOf(0x0a);
            return lineFeed === -1 ? size : position + lineFeed + 1;
        };
        const header = await lineEndAfter(0);
        const marks = [header];
        for (let index = 1; index < count; index += 1)
            marks.push(await lineEndAfter(Math.floor((size * index) / count)));
        marks.push(size);
        return marks.slice(0, -1).map((start, index) => ({ start, end: marks[index + 1]! }));
    } finally {
        await file.close();
    }
}
