/** Measures discovery when most of the folder, and nearly all of the ledger, is history. */
import { lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { logToStderr } from "../../src/commands/log.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { percentilesOf } from "./pace/run-pace.ts";
import { watchFiles } from "./pace/watch-files.ts";
import { writePaced } from "./pace/write-paced.ts";
import { watchMemory } from "./watch-memory.ts";
import { cpuSecondsOf, watchServer } from "./watch-server.ts";

export interface DiscoveryOrder {
    target: DatabaseTarget;
    admin: Sql;
    inputDir: string;
    files: number;
    ledgerFiles: number;
}

export interface DiscoveryResult {
    /** From the process's start until the first new file is merged: it looks at every known file once. */
    firstFileSeconds: number;
    newFileP50Ms: number;
    newFileMaxMs: number;
    /** readdir and lstat of everything, as in a full pass. */
    fullPassMs: number;
    /** Cores in use while no file arrives, passes included. */
    idleProcessCores: number;
    idleBackendCores: number;
    peakRssMiB: number;
}

const newFiles = 20;
const idleSeconds = 20;
const ingestScript = join(import.meta.dir, "../ingest.ts");

/** `--trigger continuous`; new files of ten records, two a second. */
export async function measureDiscovery(order: DiscoveryOrder): Promise<DiscoveryResult> {
    const { target, admin, inputDir } = order;
    const sql = connect(target, { applicationName: "bench-watcher", max: 1 });
    logToStderr(`writing ${order.files} files and ${order.ledgerFiles} ledger rows`);
    await fillLedger(sql, order);
    const fullPassMs = timeFullPass(inputDir);
    const watcher = watchFiles(sql, 4);
    writeFileSync(join(inputDir, ".first.tmp"), readyText());
    renameSync(join(inputDir, ".first.tmp"), join(inputDir, "zz-first.csv"));
    logToStderr("starting the ingest");
    const startedAt = performance.now();
    const child = Bun.spawn(
        [process.execPath, ingestScript, "--input", inputDir, "--trigger", "continuous", "--json"],
        { env: { ...process.env, DATABASE_URL: target.url }, stdout: "ignore", stderr: "inherit" },
    );
    const peakMemory = watchMemory(child);
    try {
        watcher.expect({ name: "zz-first.csv", records: 1, renamedAt: startedAt });
        while (watcher.waitingFiles() > 0) await Bun.sleep(5);
        const firstFileSeconds = (performance.now() - startedAt) / 1000;
        await Bun.sleep(3000);
        const idle = await measureIdle(admin, target, child.pid);
        await writePaced(inputDir, { recordsPerSecond: 20, filesPerSecond: 2, seconds: newFiles / 2 }, watcher.expect);
        while (watcher.waitingFiles() > 0) await Bun.sleep(5);
        const { sightings } = await watcher.stop();
        child.kill("SIGTERM");
        await child.exited;
        const lags = percentilesOf(sightings.slice(1).map(({ lagMs }) => lagMs));
        return {
            firstFileSeconds,
            newFileP50Ms: lags.p50,
            newFileMaxMs: lags.max,
            fullPassMs,
            ...idle,
            peakRssMiB: peakMemory() / 2 ** 20,
        };
    } finally {
        child.kill("SIGKILL");
        await child.exited;
        await watcher.stop();
        await sql.end();
    }
}

function readyText(): string {
    const now = new Date().toISOString().slice(0, 19);
    return `event_id,event_type,product_id,user_id,event_timestamp\n${crypto.randomUUID()},view,p,u,${now}\n`;
}

/** Files that the ledger knows as merged, exactly as they lie there; and as many more that have left the folder. */
async function fillLedger(sql: Sql, { inputDir, files, ledgerFiles }: DiscoveryOrder): Promise<void> {
    mkdirSync(inputDir);
    const names = Array.from({ length: files }, (_, index) => `known-${String(index).padStart(7, "0")}.csv`);
    const text = readyText();
    const seen = names.map((path) => {
        writeFileSync(join(inputDir, path), text);
        const { size, mtimeNs, ino } = lstatSync(join(inputDir, path), { bigint: true });
        return { path, sizeBytes: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) };
    });
    const insert = (rows: object[]) => sql`
        insert into ingest.files (path, state, size_bytes, mtime_ns, inode, loaded_bytes, content_hash, merged_at)
        select path, 'merged', "sizeBytes", "mtimeNs", inode, "sizeBytes", path, now()
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
            as seen (path text, "sizeBytes" bigint, "mtimeNs" bigint, inode numeric)`;
    for (let from = 0; from < seen.length; from += 10_000) await insert(seen.slice(from, from + 10_000));
    await sql`
        insert into ingest.files (path, state, size_bytes, mtime_ns, inode, loaded_bytes, content_hash, merged_at)
        select 'gone-' || numbers || '.csv', 'merged', 10000, numbers, numbers, 10000, 'gone-' || numbers, now()
        from generate_series(1, ${ledgerFiles - files}::bigint) as numbers`;
    await sql`vacuum (analyze) ingest.files`;
}

function timeFullPass(inputDir: string): number {
    const startedAt = performance.now();
    for (const name of readdirSync(inputDir)) lstatSync(join(inputDir, name), { bigint: true });
    return performance.now() - startedAt;
}

async function measureIdle(
    admin: Sql,
    target: DatabaseTarget,
    pid: number,
): Promise<Pick<DiscoveryResult, "idleProcessCores" | "idleBackendCores">> {
    const watch = await watchServer(admin, target.database);
    const before = cpuSecondsOf(pid) ?? Number.NaN;
    await Bun.sleep(idleSeconds * 1000);
    const after = cpuSecondsOf(pid) ?? Number.NaN;
    const { cpu } = await watch.stop();
    return {
        idleProcessCores: (after - before) / idleSeconds,
        idleBackendCores: cpu === null ? Number.NaN : (cpu.merge + cpu.copy) / idleSeconds,
    };
}
