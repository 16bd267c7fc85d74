/**
 * The crash lab of `bun run start --lab`: experiments that break something on purpose and report, step by step, what was
 * done, what happened and what recovered it. One at a time. It reaches the ingest as everybody does: by files, signals and
 * the ledger.
 */

import { formatEquation } from "../../src/commands/ingest-output.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { program } from "../../src/environment.ts";
import { exitCodes, SluiceError } from "../../src/errors.ts";
import type { Lab, LabRun } from "../../src/server/api/lab/lab-routes.ts";
import { isLoopback } from "../../src/server/api/safety/check-exposure.ts";
import { formatCount, formatNumber } from "../../src/terminal/format.ts";
import { addRecordCounts, isBalanced } from "../../src/terminal/record-counts.ts";
import type { Delivery } from "./deliveries.ts";
import { type Experiment, experiments, type Stage } from "./experiments.ts";
import { type IngestProcess, startIngestProcess } from "./ingest-process.ts";
import { countEvents, readVersions } from "./read-ledger.ts";

export interface LabSubject {
    /** Its role can only read. */
    sql: Sql;
    inputDir: string;
    ingest: IngestProcess;
    database: {
        /** kill -9. Returns the process that was killed; null when none was there. */
        crash(): number | null;
        pid(): number | null;
    };
}

const keptRuns = 10;

export function createLab(subject: LabSubject): Lab {
    let runs: LabRun[] = [];
    return {
        experiments,
        runs: () => runs,
        ingestPid: subject.ingest.pid,
        databasePid: subject.database.pid,
        begin(name) {
            const experiment = experiments.find((candidate) => candidate.name === name);
            if (!experiment || runs[0]?.state === "running") return null;
            const run: LabRun = {
                runId: (runs[0]?.runId ?? 0) + 1,
                experiment: name,
                state: "running",
                startedAt: new Date().toISOString(),
                endedAt: null,
                steps: [],
                counts: null,
            };
            runs = [run, ...runs].slice(0, keptRuns);
            void carryOut(subject, experiment, run);
            return run;
        },
    };
}

async function carryOut(subject: LabSubject, experiment: Experiment, run: LabRun): Promise<void> {
    const say: Stage["say"] = (tone, text, links = []) => {
        run.steps.push({ at: new Date().toISOString(), tone, text, links });
    };
    const stage = { ...subject, say };
    try {
        const deliveries = await experiment.carryOut(stage);
        run.state = (await balance(stage, run, deliveries)) ? "balanced" : "failed";
    } catch (error) {
        // A message of Postgres may quote rows; ours, about time limits, name what was waited for.
        const reason = error instanceof SluiceError ? error.message : "The database or the folder did not answer.";
        say("bad", `The experiment was given up: ${reason}`);
        run.state = "failed";
    }
    run.endedAt = new Date().toISOString();
}

/** Adds up all versions of the files, and counts the good records in events itself. */
async function balance({ sql, say }: Stage, run: LabRun, deliveries: readonly Delivery[]): Promise<boolean> {
    const paths = deliveries.map(({ path }) => path);
    const counts = addRecordCounts(await readVersions(sql, paths));
    run.counts = counts;
    const { eventIds, path } = deliveries[0]!;
    const found = await countEvents(sql, eventIds);
    const isExact = isBalanced(counts) && found === eventIds.length && counts.inserted === eventIds.length;
    say(
        isExact ? "good" : "bad",
        isExact
            ? `Balanced. All ${formatCount(found, "good record")} are in events, each once. ${formatEquation(counts)}.`
            : `It does not add up: ${formatNumber(found)} of ${formatCount(eventIds.length, "good record")} are in ` +
                  `events. ${formatEquation(counts)}. Run \`${program} check\`.`,
        [{ kind: "record", path, recordNo: 1 }],
    );
    return isExact;
}

export interface OpenLab {
    lab: Lab;
    /** Ingests until the signal, or rejects when no restart helps. */
    run(signal: AbortSignal): Promise<null>;
}

interface OpenLabOptions {
    embedded: LabSubject["database"];
    /** A role that can only read. */
    reader: DatabaseTarget;
    inputDir: string;
    /** For `bun run ingest`, which runs as a process of its own that may be killed. */
    ingestArgs: readonly string[];
    log: (line: string) => void;
}

/** The ingest starts at once. The caller must `run` the lab, which also ends it. */
export function openLab({ embedded, reader, inputDir, ingestArgs, log }: OpenLabOptions): OpenLab {
    const ingest = startIngestProcess(ingestArgs, log);
    const sql = connect(reader, { applicationName: "sluice-lab", max: 2, connectTimeoutSeconds: 5 });
    return {
        lab: createLab({ sql, inputDir, ingest, database: embedded }),
        async run(signal) {
            const stopped = new Promise<void>((resolve) => {
                signal.addEventListener("abort", () => resolve());
                if (signal.aborted) resolve();
            });
            try {
                await Promise.race([stopped, ingest.failed]);
            } finally {
                await Promise.all([ingest.stop(), sql.end({ timeout: 0 })]);
            }
            return null;
        },
    };
}

/** @throws SluiceError lab_needs_embedded, lab_needs_loopback: the lab must never be near data that matters, or other users */
export function refuseUnsafeLab({ databaseUrl, host }: { databaseUrl: string | undefined; host: string }): void {
    if (databaseUrl !== undefined) {
        throw new SluiceError({
            code: "lab_needs_embedded",
            what: "--lab crashes the database on purpose, so it works only with the embedded one.",
            remedy: "Unset DATABASE_URL for it, or leave out --lab.",
            exitCode: exitCodes.usage,
        });
    }
    if (!isLoopback(host)) {
        throw new SluiceError({
            code: "lab_needs_loopback",
            what: `--lab is only for users of this machine, but others can reach ${host}.`,
            remedy: "Leave out --host, or --lab.",
            exitCode: exitCodes.usage,
        });
    }
}
