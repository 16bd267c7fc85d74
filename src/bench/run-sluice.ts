/** One measured run of `bun run ingest --trigger available-now`, as a process of its own, from its start to its last commit. */
import { join } from "node:path";
import type { Sql } from "../database/connect.ts";
import type { DatabaseTarget } from "../database/database-target.ts";
import type { IngestSummary } from "../ingest/progress.ts";
import { type BackendCpu, watchBackends } from "./measure-backends.ts";

export interface SluiceResult {
    /** From the process's start to the end of its last batch. */
    seconds: number;
    /** Null for a server that is not on this machine. */
    backends: BackendCpu | null;
    /** User and system time of the ingest process itself. */
    processSeconds: number;
    peakRssBytes: number;
    walBytes: number;
    tempBytes: number;
    summary: IngestSummary;
}

const ingestScript = join(import.meta.dir, "../../scripts/ingest.ts");

export async function runSluice(
    target: DatabaseTarget,
    sql: Sql,
    inputDir: string,
    mergeWorkers: number | null,
): Promise<SluiceResult> {
    const before = await readCounters(sql, target.database);
    const watch = watchBackends(sql, target.database, "sluice-");
    const workers = mergeWorkers === null ? [] : ["--merge-workers", String(mergeWorkers)];
    const startedAt = Date.now();
    const child = Bun.spawn(
        [process.execPath, ingestScript, "--input", inputDir, "--trigger", "available-now", "--json", ...workers],
        { env: { ...process.env, DATABASE_URL: target.url }, stdout: "pipe", stderr: "pipe" },
    );
    const [stdout, stderr, exitCode] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
    ]);
    const backends = await watch.stop();
    if (exitCode !== 0) throw new Error(`The ingest ended with ${exitCode}: ${stderr}`);
    const usage = child.resourceUsage()!;
    const after = await readCounters(sql, target.database);
    return {
        seconds: (after.lastBatchAtMs - startedAt) / 1000,
        backends,
        processSeconds: Number(usage.cpuTime.total) / 1e6,
        peakRssBytes: usage.maxRSS,
        walBytes: after.walBytes - before.walBytes,
        tempBytes: after.tempBytes - before.tempBytes,
        summary: JSON.parse(stdout.trim().split("\n").at(-1)!),
    };
}

async function readCounters(
    sql: Sql,
    databaseName: string,
): Promise<{ walBytes: number; tempBytes: number; lastBatchAtMs: number }> {
    const [row] = await sql<{ walBytes: number; tempBytes: number; lastBatchAtMs: number }[]>`
        select
            (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint as "walBytes",
            (select temp_bytes from pg_stat_database where datname = ${databaseName})::bigint as "tempBytes",
            (select coalesce(extract(epoch from max(finished_at)) * 1000, 0) from ingest.batches)::float8
                as "lastBatchAtMs"`;
    return row!;
}
