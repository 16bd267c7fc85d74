/** The context of an ingest that a test drives step by step, on its own database and folder. */
import { beforeAll, beforeEach } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IngestConfig } from "../../src/config/config.ts";
import { createRechecks } from "../../src/engine/discover/recheck-files.ts";
import { createLedgerProof } from "../../src/engine/ledger/ledger-proof.ts";
import { takeLoaderLease } from "../../src/engine/ledger/worker-leases.ts";
import { createLoader, type Loader } from "../../src/engine/load/loader.ts";
import type { Run } from "../../src/engine/loops.ts";
import { createWakeUp } from "../../src/engine/outage/wake-up.ts";
import { createTally } from "../../src/engine/run/progress.ts";
import { createCopyConnection } from "../../src/engine/stage/copy-connection.ts";
import { createMergeTurns, createTurns } from "../../src/engine/turns.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { atEnd } from "../support/at-end.ts";
import type { TestDatabase } from "../support/database.ts";

export interface TestIngest {
    context: Run;
    inputDir: string;
    /** The logged lines, as `level: line`. */
    lines: string[];
    close(): Promise<void>;
}

/** Holds the loader's lease for an hour. */
export async function openTestIngest(
    database: TestDatabase,
    overrides: Partial<IngestConfig> = {},
): Promise<TestIngest> {
    const inputDir = mkdtempSync(join(tmpdir(), "sluice-ingest-"));
    const workerId = randomUUID();
    const copyConnection = createCopyConnection(database.target, "test copy");
    const lines: string[] = [];
    const logAs = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
    const config: IngestConfig = {
        inputDir,
        trigger: { kind: "available-now" },
        tailSettleMs: 10_000,
        maxChunkBytes: 16 * 1024 * 1024,
        maxRecordBytes: 1024 * 1024,
        mergeWorkers: 1,
        maxBatchRecords: 500_000,
        maxRejects: null,
        afterMerge: "keep",
        archiveDir: join(inputDir, "_archive"),
        ...overrides,
    };
    const log = { info: logAs("info"), warn: logAs("warn"), error: logAs("error") };
    await takeLoaderLease(database.sql, 0, workerId, 3_600_000);
    return {
        context: {
            ...{
                stream: eventsStream,
                config,
                sql: database.sql,
                copyConnection,
                copyBeside: copyConnection,
                workerId,
                log,
            },
            signal: new AbortController().signal,
            survive: (step) => step(),
            lease: { isLoader: () => true, renew: async () => {} },
            turns: createMergeTurns(createTurns(1, 1), [database.sql]),
            noteMergeable() {},
            proof: createLedgerProof(),
            rechecks: createRechecks(),
            room: { wait: async () => true, addMerged() {}, isSweepDue: () => false, sweep: async () => {} },
            lostAnswers: [],
            areMergesHeld: false,
            staged: createWakeUp(),
            merged: createWakeUp(),
            tally: createTally(),
            isLoadingDone: false,
        },
        inputDir,
        lines,
        async close() {
            await copyConnection.discard();
            rmSync(inputDir, { recursive: true, force: true });
        },
    };
}

/** A loader that takes unfinished tails at once. */
export function testLoader(context: Run): Loader {
    return createLoader({ ...context, config: { ...context.config, tailSettleMs: 0 } });
}

/** Looks at the whole folder. */
export async function discoverAll({ discovery }: Loader): Promise<void> {
    await discovery.look({ names: new Set(), isOverflow: true });
}

/** One for the whole file, which holds no lease. `lines` are those of one test. */
export function useTestIngest(database: TestDatabase): TestIngest {
    const ingest = {} as TestIngest;
    beforeAll(async () => {
        Object.assign(ingest, await openTestIngest(database));
        atEnd(ingest.close);
        await database.sql`select ingest.retire_worker(${ingest.context.workerId})`;
    });
    beforeEach(() => {
        ingest.lines.length = 0;
    });
    return ingest;
}
