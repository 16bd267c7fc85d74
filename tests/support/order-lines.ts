/** A table that Sluice found, with a key of two columns, and what one folder makes of it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { IngestSummary } from "../../src/engine/run/progress.ts";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { streamOfTable } from "../../src/streams/load-streams.ts";
import { ingestConfig } from "./ingest-folder.ts";

export const orderLines = streamOfTable("sales.order_lines");

export async function makeOrderLines(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create schema if not exists sales;
        create table sales.order_lines (
            order_id bigint,
            "Line" integer,
            qty integer not null constraint qty_positive check (qty > 0),
            primary key (order_id, "Line")
        )`);
}

/** What becomes of lines.csv: 2 stored, 1 duplicate, 2 conflicts, 3 rejected. */
export const lines = ["7,1,5", "7,2,1", "7,2,1", "7,2,9", "007,2,8", "7,3,-1", "x,4,1", "7,2,0"];

export function writeLines(folder: string, name = "lines.csv", records: readonly string[] = lines): void {
    writeFileSync(join(folder, name), ["order_id,line,qty", ...records, ""].join("\n"));
}

export async function ingestLines(target: DatabaseTarget, folder: string): Promise<IngestSummary> {
    return await runIngest({
        target,
        streams: [await applyStream(target, orderLines)],
        sourcesOf: ({ source }) => (source === null ? [] : [source]),
        config: ingestConfig(folder),
        log: { info() {}, warn() {}, error() {} },
    });
}
