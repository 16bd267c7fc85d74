/** Batches as a table, and one batch with what it did to each file. Pure. */

import type { readBatchFiles, selectBatches } from "../../server/api/batches/read-batches.ts";
import { formatCount, formatDuration, formatMoment } from "../../terminal/format.ts";
import { shownOutcomes } from "../../terminal/record-counts.ts";
import { formatRecordTable } from "../../terminal/record-table.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { formatTable } from "../../terminal/table.ts";

export type ListedBatch = Awaited<ReturnType<typeof selectBatches>>[number];
export type BatchFiles = Awaited<ReturnType<typeof readBatchFiles>>;

export function formatBatches(batches: readonly ListedBatch[]): string[] {
    const hasStreams = new Set(batches.map(({ stream }) => stream)).size > 1;
    const names = ["read", ...shownOutcomes(...batches)] as const;
    const rows = batches.map((batch) => [
        batch.batchId,
        ...(hasStreams ? [sanitize(batch.stream, { most: 40 })] : []),
        batch.kind,
        ...names.map((name) => batch[name]),
        formatMoment(batch.finishedAt),
        formatDuration(tookMs(batch)),
    ]);
    const header = ["batch", ...(hasStreams ? ["stream"] : []), "kind", ...names, "committed", "took"];
    return formatTable(rows, { header, rightAligned: [header.length - 1] });
}

export function formatBatchDetail(batch: ListedBatch, { files, fileCount }: BatchFiles): string[] {
    const names = ["read", ...shownOutcomes(batch)] as const;
    const rows = files.map((file) => [sanitize(file.path, { most: 60 }), ...names.map((name) => file[name])]);
    const phases = Object.entries(batch.durationMs).map(([phase, ms]) => `${phase} ${formatDuration(ms)}`);
    return [
        `batch ${batch.batchId} (${batch.kind}), committed ${formatMoment(batch.finishedAt)} in ${formatDuration(tookMs(batch))}`,
        `  ${sanitize(phases.join(", "))}`,
        "",
        ...formatRecordTable(batch),
        "",
        ...(fileCount > files.length ? [`The first ${files.length} of ${formatCount(fileCount, "file")}:`] : []),
        ...formatTable(rows, { header: ["file", ...names] }),
    ];
}

function tookMs({ startedAt, finishedAt }: ListedBatch): number {
    return Date.parse(finishedAt) - Date.parse(startedAt);
}
