/**
 * One scenario, several rounds. In each round the yardsticks, the floors and Sluice take turns, so that a ratio compares
 * what ran a minute apart on the same machine and server; the order changes from round to round.
 *
 * Fair to all: the same rows, the same table (with its indexes), rows of the same width (the yardsticks'
 * chunk_id and record_no are 0), the same server settings, a checkpoint before each run.
 */
import { rmSync } from "node:fs";
import { logToStderr } from "../../src/commands/log.ts";
import { connect } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { withFreshDatabase } from "./bench-databases.ts";
import { benchTables } from "./bench-tables.ts";
import { runCopy } from "./run-copy.ts";
import { runInsert } from "./run-insert.ts";
import { runSluice } from "./run-sluice.ts";
import { runReplaced } from "./run-snapshot.ts";
import type { Measured, Round, RunnerName } from "./runners.ts";
import type { Scenario } from "./scenarios.ts";
import type { Bench } from "./with-bench.ts";
import { type Input, writeInput } from "./write-input.ts";

export interface BenchContext extends Bench {
    cores: number;
    runners: readonly RunnerName[];
}

export interface ScenarioRun {
    input: Omit<Input, "dir" | "readyFile">;
    rounds: Round[];
}

const firstSeed = 20_261_122;

export async function runScenario(context: BenchContext, scenario: Scenario, rounds: number): Promise<ScenarioRun> {
    const filled = scenario.existingRecords > 0 ? await context.openFilled(scenario.existingRecords) : null;
    const results: Round[] = [];
    let input = write(context, scenario, 0);
    for (let round = 0; round < rounds; round += 1) {
        const done: Round = {};
        const runners = context.runners.filter((name) => takesPart(name, scenario));
        for (const [turn, runner] of rotated(runners, round).entries()) {
            // A table that keeps the records of a run needs other records for the next.
            if (filled !== null && round + turn > 0) {
                remove(input);
                input = write(context, scenario, round * context.runners.length + turn);
            }
            const run = (target: DatabaseTarget) => runOnce(context, target, runner, input, scenario);
            const measured = filled ? await run(filled) : await withFreshDatabase(context.server, context.admin, run);
            checkCounts(measured, input, runner === "replace-sluice" ? { ...scenario, changed: null } : scenario);
            done[runner] = measured;
            logToStderr(
                `${scenario.name}: round ${round + 1} of ${rounds}, ${runner}: ${measured.seconds.toFixed(2)} s`,
            );
        }
        results.push(done);
    }
    remove(input);
    const { dir: _dir, readyFile: _readyFile, ...counts } = input;
    return { input: counts, rounds: results };
}

function takesPart(name: RunnerName, { table, changed, isDeferred }: Scenario): boolean {
    if (name === "sluice-deferred") return isDeferred;
    if (isDeferred) return name === "sluice" || name === "copy-1";
    const isOfSnapshot = name.startsWith("replace");
    if (changed !== null) return name === "sluice" || isOfSnapshot;
    return !isOfSnapshot && (table === "events" || !name.startsWith("insert"));
}

function write({ workDir }: BenchContext, scenario: Scenario, turn: number): Input {
    // In a table that is kept, neither names nor ids may repeat in another invocation.
    const seed = scenario.existingRecords > 0 ? Date.now() : firstSeed;
    return writeInput(workDir, `${scenario.name}-${seed}-${turn}`, scenario, seed + turn);
}

function remove({ dir, readyFile }: Input): void {
    rmSync(dir, { recursive: true });
    rmSync(readyFile);
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
    return items.map((_, index) => items[(index + by) % items.length]!);
}

async function runOnce(
    { admin, cores }: BenchContext,
    target: DatabaseTarget,
    runner: RunnerName,
    input: Input,
    { mergeWorkers, table: tableName, changed }: Scenario,
): Promise<Measured> {
    const { dir, readyFile } = input;
    const table = benchTables[tableName];
    const sql = connect(target, { applicationName: "bench", max: 1 });
    try {
        if (table.create !== null) {
            await sql.unsafe(table.create);
            if (changed !== null) return await runReplaced(target, admin, sql, runner, input, table, changed);
            await sql`checkpoint`;
            return runner.startsWith("sluice")
                ? await runSluice(target, admin, dir, mergeWorkers, table, null, runner === "sluice-deferred")
                : await runCopy(target, admin, readyFile, runner === "copy-all" ? cores : 1, table);
        }
        if (runner.startsWith("sluice")) {
            await sql`alter table public.events alter chunk_id drop default, alter record_no drop default`;
            await sql`checkpoint`;
            return await runSluice(target, admin, dir, mergeWorkers, table, null, runner === "sluice-deferred");
        }
        await sql`alter table public.events alter chunk_id set default 0, alter record_no set default 0`;
        await sql`checkpoint`;
        const connections = runner.endsWith("-all") ? cores : 1;
        const run = runner.startsWith("copy") ? runCopy : runInsert;
        return await run(target, admin, readyFile, connections, table);
    } finally {
        await sql.end();
    }
}

/** @throws Error when a run did other work than it was given: it measured nothing */
function checkCounts({ records }: Measured, input: Input, { changed }: Scenario): void {
    if (records === null) return;
    const isAdded =
        changed === null ? records.inserted === input.readyRecords : records.inserted + records.rejected === 0;
    if (records.read === input.records && isAdded) return;
    throw new Error(
        `Of ${input.records} records, ${input.readyRecords} to be inserted, the ingest read ${records.read} and inserted ${records.inserted}.`,
    );
}
