/**
 * A snapshot of a table of which little has changed, beside the way that is common, truncate and insert: of the same rows, typed already,
 * in one transaction; of the same file by COPY, unchecked; and of the same file by Sluice.
 */
import { createReadStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, connectForCopy, type Sql } from "../../src/database/connect.ts";
import { copyRows } from "../../src/database/copy-rows.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { BenchTable } from "./bench-tables.ts";
import { runCopy } from "./run-copy.ts";
import { runSluice } from "./run-sluice.ts";
import type { Measured, RunnerName } from "./runners.ts";
import { watchServer, yardstickName } from "./watch-server.ts";
import type { Input } from "./write-input.ts";

/** One runner's turn, on a table that it finds filled. */
export async function runReplaced(
    target: DatabaseTarget,
    admin: Sql,
    sql: Sql,
    runner: RunnerName,
    input: Input,
    table: BenchTable,
    changed: number,
): Promise<Measured> {
    await fillReplaced(target, sql, input, table, changed);
    if (runner === "sluice") return await runSnapshot(target, admin, input, table);
    if (runner === "replace-1") return await runReplacement(target, admin, table);
    await sql.unsafe(`truncate ${table.name}`);
    // The same file into the table that was emptied: as it is, or validated by Sluice.
    if (runner === "replace-copy") return await runCopy(target, admin, input.readyFile, 1, table);
    return await runSluice(target, admin, input.dir, null, table);
}

/** Fills the table with the file's rows, of which a share has another amount, as a table in use would be. */
async function fillReplaced(
    target: DatabaseTarget,
    sql: Sql,
    { readyFile }: Input,
    table: BenchTable,
    changed: number,
): Promise<void> {
    const { name, columns } = table;
    const copyClient = connectForCopy(target, { applicationName: yardstickName });
    try {
        await sql.unsafe(`create unlogged table public.bench_ready as select ${columns} from ${name} with no data`);
        await copyRows(
            copyClient,
            `copy public.bench_ready (${columns}) from stdin (format csv)`,
            createReadStream(readyFile),
        );
    } finally {
        await copyClient.close();
    }
    const every = Math.round(1 / changed);
    const values = columns.replace("amount", `amount + case when id % ${every} = 0 then 1 else 0 end`);
    await sql.unsafe(`insert into ${name} (${columns}) select ${values} from public.bench_ready order by id`);
    await sql.unsafe(`vacuum (analyze) ${name}`);
    await sql.unsafe("analyze public.bench_ready");
    await sql`checkpoint`;
}

/** CPU of the backend alone; making the ready rows is not measured. */
async function runReplacement(target: DatabaseTarget, admin: Sql, { name, columns }: BenchTable): Promise<Measured> {
    const client = connect(target, { applicationName: yardstickName, max: 1 });
    try {
        await client`set work_mem = '512MB'`;
        const watch = await watchServer(admin, target.database);
        const startedAt = performance.now();
        await client.begin(async (transaction) => {
            await transaction.unsafe(`truncate ${name}`);
            await transaction.unsafe(
                `insert into ${name} (${columns}) select ${columns} from public.bench_ready order by id`,
            );
        });
        const seconds = (performance.now() - startedAt) / 1000;
        const use = await watch.stop();
        return { seconds, processSeconds: 0, peakRssBytes: null, records: null, batches: null, ...use };
    } finally {
        await client.end();
    }
}

async function runSnapshot(target: DatabaseTarget, admin: Sql, { dir }: Input, table: BenchTable): Promise<Measured> {
    const streamsDir = join(dir, "..", "snapshot-streams");
    mkdirSync(streamsDir, { recursive: true });
    writeFileSync(
        join(streamsDir, "entries.ts"),
        `export default { files: "*.csv", table: "${table.name}", mode: "snapshot" };\n`,
    );
    const emptyDir = join(dir, "..", "no-files");
    mkdirSync(emptyDir, { recursive: true });
    const declared = {
        flags: ["--stream", "entries", "--tail-settle", "0"],
        environment: { SLUICE_STREAMS_DIR: streamsDir },
    };
    try {
        // Its functions are made once, and not with each snapshot.
        await runSluice(target, admin, emptyDir, null, table, declared);
        return await runSluice(target, admin, dir, null, table, declared);
    } finally {
        rmSync(streamsDir, { recursive: true });
    }
}
