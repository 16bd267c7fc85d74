/** The one place where the cases meet the engine. */
import type { AfterMerge, IngestConfig, RejectBudget } from "../../src/config/config.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { IngestSummary } from "../../src/engine/run/progress.ts";
import type { SourceConfig } from "../../src/streams/source-config.ts";

export type { IngestSummary };

import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import type { Stream } from "../../src/streams/stream.ts";

/** The settings that a case may change, in its expected.json. */
export interface IngestOverrides {
    maxRecordBytes?: number;
    maxChunkBytes?: number;
    maxBatchRecords?: number;
    mergeWorkers?: number;
    maxRejects?: RejectBudget | null;
    afterMerge?: AfterMerge;
    archiveDir?: string;
    tailSettleMs?: number;
    maxExpandedBytes?: number;
    maxExpansionRatio?: number;
    /** As read from a case's sluice.config.ts. */
    sources?: SourceConfig[];
}

/** That of `ingest --trigger available-now --tail-settle 0` on this folder. */
export function ingestConfig(inputDir: string, overrides: IngestOverrides = {}): IngestConfig {
    return {
        inputDir,
        trigger: { kind: "available-now" },
        // A test's files have just been written, and are whole.
        tailSettleMs: 0,
        maxChunkBytes: 16 * 1024 * 1024,
        maxRecordBytes: 1024 * 1024,
        mergeWorkers: 2,
        maxBatchRecords: 500_000,
        maxRejects: null,
        afterMerge: "keep",
        archiveDir: `${inputDir}-archive`,
        ...overrides,
    };
}

/** Takes all that is in `inputDir` into the database, as files of the stream, and returns its summary. */
export async function ingestFolder(
    target: DatabaseTarget,
    inputDir: string,
    overrides: IngestOverrides = {},
    stream: Stream = eventsStream,
): Promise<IngestSummary> {
    const log = { info() {}, warn() {}, error() {} };
    const sourcesOf = ({ source }: Stream) => (source === null ? overrides.sources : [source]);
    return await runIngest({ streams: [stream], sourcesOf, target, config: ingestConfig(inputDir, overrides), log });
}
