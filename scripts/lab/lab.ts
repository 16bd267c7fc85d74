/**
 * The crash lab: experiments that break something on purpose and tell, step by step, what was done, what happened and
 * what recovered it. One at a time. It talks to the ingest as everybody does: by files, signals and the ledger.
 */

import type { Sql } from "../../src/database/connect.ts";
import { exitCodes, SluiceError } from "../../src/errors.ts";
import type { Lab, LabLink, LabRun, LabStep } from "../../src/server/api/lab/lab-routes.ts";
import { isLoopback } from "../../src/server/api/safety/check-exposure.ts";
import { type Experiment, experiments } from "./experiments.ts";
import type { IngestProcess } from "./ingest-process.ts";

/** What the experiments work on. */
export interface LabSubject {
    /** Of a role that reads. */
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
    let running: Promise<void> = Promise.resolve();

    async function carryOut(experiment: Experiment, run: LabRun): Promise<void> {
        const say = (tone: LabStep["tone"], text: string, links: LabLink[] = []) => {
            run.steps.push({ at: new Date().toISOString(), tone, text, links });
        };
        try {
            const { counts, isBalanced } = await experiment.carryOut(subject, say);
            run.counts = counts;
            run.state = isBalanced ? "balanced" : "failed";
        } catch (error) {
            // Postgres's own words may quote rows; ours, about time limits, say what was waited for.
            const reason = error instanceof SluiceError ? error.message : "The database or the folder did not answer.";
            say("bad", `The experiment was given up: ${reason}`);
            run.state = "failed";
        }
        run.endedAt = new Date().toISOString();
    }

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
            running = carryOut(experiment, run);
            return run;
        },
        settled: () => running,
    };
}

/** @throws SluiceError lab_needs_embedded, lab_needs_loopback: it must never be there for what matters, or for others */
export function refuseUnsafeLab({ databaseUrl, host }: { databaseUrl: string | undefined; host: string }): void {
    if (databaseUrl !== undefined) {
        throw new SluiceError({
            code: "lab_needs_embedded",
            what: "--lab crashes the database on purpose, so it works on the embedded one alone.",
            remedy: "Unset DATABASE_URL for it, or leave out --lab.",
            exitCode: exitCodes.usage,
        });
    }
    if (!isLoopback(host)) {
        throw new SluiceError({
            code: "lab_needs_loopback",
            what: `--lab is for the users of this machine alone, and ${host} is for others too.`,
            remedy: "Leave out --host, or --lab.",
            exitCode: exitCodes.usage,
        });
    }
}
