/** The yardsticks: COPY of ready rows straight into the table, by one connection or several. Checks nothing. */
import { createReadStream, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { connectForCopy, type Sql } from "../../src/database/connect.ts";
import { copyRows } from "../../src/database/copy-rows.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { BenchTable } from "./bench-tables.ts";
import type { Measured } from "./runners.ts";
import { watchServer, yardstickName } from "./watch-server.ts";

/** Copies `csvFile` (a header-less file of ready rows) into `table` by so many connections, a piece of it each. */
export async function runCopy(
    target: DatabaseTarget,
    admin: Sql,
    csvFile: string,
    connections: number,
    table: BenchTable,
): Promise<Measured> {
    const pieces = await cutAtLines(csvFile, connections);
    const clients = pieces.map(() => connectForCopy(target, { applicationName: yardstickName }));
    try {
        await Promise.all(clients.map((client) => client`select 1`));
        const watch = await watchServer(admin, target.database);
        const cpuBefore = process.cpuUsage();
        const startedAt = performance.now();
        await Promise.all(
            pieces.map(({ start, end }, index) =>
                copyRows(
                    clients[index]!,
                    `copy ${table.name} (${table.columns}) from stdin (format csv)`,
                    createReadStream(csvFile, { start, end: end - 1, highWaterMark: 1024 * 1024 }),
                ),
            ),
        );
        const seconds = (performance.now() - startedAt) / 1000;
        const { user, system } = process.cpuUsage(cpuBefore);
        const use = await watch.stop();
        return {
            seconds,
            processSeconds: (user + system) / 1e6,
            peakRssBytes: null,
            records: null,
            batches: null,
            ...use,
        };
    } finally {
        await Promise.all(clients.map((client) => client.close()));
    }
}

/** Byte ranges of about the same size, each of whole lines. The bench's records hold no line ends. */
async function cutAtLines(csvFile: string, count: number): Promise<{ start: number; end: number }[]> {
    const size = statSync(csvFile).size;
    const file = await open(csvFile, "r");
    try {
        const lineEndAfter = async (position: number): Promise<number> => {
            const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, position);
            const lineFeed = buffer.subarray(0, bytesRead).indexOf(0x0a);
            return lineFeed === -1 ? size : position + lineFeed + 1;
        };
        const marks = [0];
        for (let index = 1; index < count; index += 1)
            marks.push(await lineEndAfter(Math.floor((size * index) / count)));
        marks.push(size);
        return marks.slice(0, -1).map((start, index) => ({ start, end: marks[index + 1]! }));
    } finally {
        await file.close();
    }
}
