/** One measured run of `bun run ingest --trigger available-now`, a process of its own, from its start to its last commit. */
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { BatchProgress, IngestSummary } from "../../src/engine/run/progress.ts";
import type { BenchTable } from "./bench-tables.ts";
import type { Measured } from "./runners.ts";
import { watchMemory } from "./watch-memory.ts";
import { watchServer } from "./watch-server.ts";

const ingestScript = join(import.meta.dir, "../ingest.ts");

/** @throws Error with the ingest's stderr when it fails. */
export async function runSluice(
    target: DatabaseTarget,
    admin: Sql,
    inputDir: string,
    mergeWorkers: number | null,
    table: BenchTable,
    /** Of a stream that is declared, in place of --table. */
    declared: { flags: string[]; environment: Record<string, string> } | null = null,
    isDeferred = false,
): Promise<Measured> {
    const watch = await watchServer(admin, target.database);
    const workers = mergeWorkers === null ? [] : ["--merge-workers", String(mergeWorkers)];
    const own = declared?.flags ?? (table.create === null ? [] : ["--table", table.name]);
    const startedAt = performance.now();
    const child = Bun.spawn(
        [
            process.execPath,
            ingestScript,
            "--input",
            inputDir,
            "--trigger",
            "available-now",
            "--json",
            ...workers,
            ...own,
            ...(isDeferred ? ["--defer-indexes"] : []),
        ],
        { env: { ...process.env, DATABASE_URL: target.url, ...declared?.environment }, stdout: "pipe", stderr: "pipe" },
    );
    const peakMemory = watchMemory(child);
    const [output, stderr, exitCode] = await Promise.all([
        readOutput(child.stdout),
        new Response(child.stderr).text(),
        child.exited,
    ]);
    const use = await watch.stop();
    if (isDeferred && !stderr.includes("deferred until")) throw new Error(`Nothing was deferred: ${stderr}`);
    if (exitCode !== 0 || output.summary === null) throw new Error(`The ingest ended with ${exitCode}: ${stderr}`);
    const usage = child.resourceUsage()!;
    return {
        // The answer to the last batch's commit, as the process passes it on; indexes are made after that.
        seconds: ((isDeferred ? output.summaryAt : output.lastBatchAt) - startedAt) / 1000,
        processSeconds: Number(usage.cpuTime.total) / 1e6,
        peakRssBytes: peakMemory(),
        ...use,
        records: output.summary.records,
        batches: output.summary.batches,
    };
}

/** NDJSON: a line a batch, then the summary. */
async function readOutput(
    stdout: ReadableStream<Uint8Array>,
): Promise<{ lastBatchAt: number; summaryAt: number; summary: IngestSummary | null }> {
    const decoder = new TextDecoder();
    let rest = "";
    let lastBatchAt = Number.NaN;
    let summaryAt = Number.NaN;
    let summary: IngestSummary | null = null;
    for await (const piece of stdout) {
        const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
            const told = JSON.parse(line) as BatchProgress | IngestSummary;
            if ("type" in told) {
                summary = told;
                summaryAt = performance.now();
            } else lastBatchAt = performance.now();
        }
    }
    return { lastBatchAt, summaryAt, summary };
}
