/**
 * One scenario, several rounds. In each round the yardsticks and Sluice take turns on databases of their own, so that
 * a ratio compares what ran minutes apart on the same machine; the order changes from round to round.
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "../database/connect.ts";
import { type DatabaseTarget, withDatabase } from "../database/database-target.ts";
import { migrateDatabase } from "../database/migrate.ts";
import { defaultGeneratorOptions } from "../generator/options.ts";
import { runGenerator } from "../generator/run-generator.ts";
import { runSluice, type SluiceResult } from "./run-sluice.ts";
import { runYardstick, type YardstickResult } from "./run-yardstick.ts";
import type { Scenario } from "./scenarios.ts";

export interface Round {
    oneConnection: YardstickResult;
    allConnections: YardstickResult;
    sluice: SluiceResult;
}

export interface BenchContext {
    /** A database on the server, to make others from. */
    target: DatabaseTarget;
    admin: Sql;
    workDir: string;
    cores: number;
    log: (line: string) => void;
}

type Runner = "oneConnection" | "allConnections" | "sluice";

export async function runScenario(context: BenchContext, scenario: Scenario, rounds: number): Promise<Round[]> {
    const inputDir = join(context.workDir, scenario.name);
    context.log(`${scenario.name}: writing ${scenario.files} × ${scenario.recordsPerFile} records`);
    await writeInput(inputDir, scenario, { duplicates: scenario.duplicates, dirty: scenario.dirty });
    const yardstickFile = await writeYardstickFile(context, inputDir, scenario);
    const existing = scenario.existingRecords > 0 ? await prepareExisting(context, scenario) : null;
    const results: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
        const done: Partial<Round> = {};
        for (const runner of rotated(round)) {
            context.log(`${scenario.name}: round ${round + 1} of ${rounds}, ${runner}`);
            await withFreshDatabase(context, existing, async (target, sql) => {
                await sql`checkpoint`;
                const table = existing ? "public.events" : null;
                if (runner === "sluice") done.sluice = await runSluice(target, sql, inputDir, scenario.mergeWorkers);
                else {
                    const connections = runner === "oneConnection" ? 1 : context.cores;
                    if (table)
                        await sql.unsafe(
                            "alter table events alter chunk_id drop not null, alter record_no drop not null",
                        );
                    done[runner] = await runYardstick(target, sql, yardstickFile, connections, table);
                }
            });
        }
        results.push(done as Round);
    }
    if (existing) await context.admin.unsafe(`drop database if exists ${existing} with (force)`);
    rmSync(inputDir, { recursive: true });
    rmSync(yardstickFile);
    return results;
}

function rotated(round: number): Runner[] {
    const runners: Runner[] = ["oneConnection", "sluice", "allConnections"];
    return runners.map((_, index) => runners[(index + round) % runners.length]!);
}

async function writeInput(dir: string, scenario: Scenario, dirt: { duplicates: number; dirty: number }): Promise<void> {
    mkdirSync(dir, { recursive: true });
    await runGenerator(
        {
            ...defaultGeneratorOptions,
            outputDir: dir,
            files: scenario.files,
            minRecords: scenario.recordsPerFile,
            maxRecords: scenario.recordsPerFile,
            sleepSeconds: 0,
            seed: 20_261_122,
            dirtyRatio: dirt.dirty,
            duplicateRatio: dirt.duplicates,
            lateRatio: scenario.late,
        },
        { signal: new AbortController().signal },
    );
}

/** One clean file of the same number of records: a COPY stops at the first duplicate and at the first bad value. */
async function writeYardstickFile(context: BenchContext, inputDir: string, scenario: Scenario): Promise<string> {
    const dir = scenario.duplicates + scenario.dirty > 0 ? join(context.workDir, `${scenario.name}-clean`) : inputDir;
    if (dir !== inputDir) await writeInput(dir, scenario, { duplicates: 0, dirty: 0 });
    const path = join(context.workDir, `${scenario.name}.csv`);
    rmSync(path, { force: true });
    for (const [index, name] of readdirSync(dir).sort().entries()) {
        const bytes = readFileSync(join(dir, name));
        appendFileSync(path, index === 0 ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1));
    }
    if (dir !== inputDir) rmSync(dir, { recursive: true });
    return path;
}

/** A database whose events hold `existingRecords` rows, to clone for each run. */
async function prepareExisting(context: BenchContext, scenario: Scenario): Promise<string> {
    const name = `sluice_bench_existing_${process.pid}`;
    context.log(`${scenario.name}: filling a table with ${scenario.existingRecords} rows`);
    await context.admin.unsafe(`drop database if exists ${name} with (force)`);
    await context.admin.unsafe(`create database ${name} template template0`);
    const target = withDatabase(context.target, name);
    await migrateDatabase(target, { log: () => {} });
    const sql = connect(target, { applicationName: "bench", max: 1 });
    try {
        await sql`
            insert into public.events (
                event_id, event_type, product_id, user_id, event_timestamp, quantity, price, chunk_id, record_no
            )
            select
                gen_random_uuid(), 'view', 'P' || numbers % 5000, 'U' || numbers % 100000,
                now() - interval '1 day' - numbers * interval '100 milliseconds', 0, 0, 0, numbers
            from generate_series(1, ${scenario.existingRecords}::bigint) as numbers`;
        await sql`vacuum (analyze) public.events`;
    } finally {
        await sql.end();
    }
    return name;
}

async function withFreshDatabase(
    context: BenchContext,
    template: string | null,
    work: (target: DatabaseTarget, sql: Sql) => Promise<void>,
): Promise<void> {
    const name = `sluice_bench_${process.pid}`;
    await context.admin.unsafe(`drop database if exists ${name} with (force)`);
    await context.admin.unsafe(`create database ${name} template ${template ?? "template0"}`);
    const target = withDatabase(context.target, name);
    if (!template) await migrateDatabase(target, { log: () => {} });
    const sql = connect(target, { applicationName: "bench", max: 2 });
    try {
        await work(target, sql);
    } finally {
        await sql.end();
        await context.admin.unsafe(`drop database if exists ${name} with (force)`);
    }
}
