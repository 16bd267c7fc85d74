import type { PrunePlan, PruneSummary } from "../operations/run-prune.ts";
import { formatBytes, formatCount, formatMoment, formatNumber } from "../terminal/format.ts";
import { sanitize } from "../terminal/sanitize.ts";
import { formatTable } from "../terminal/table.ts";

/** The table that is none of the ledger's is the stream's. */
const ledgerTables: Record<string, string> = {
    rejects: "rejects and conflicts",
    batches: "batches",
    chunk_merges: "their results by chunk",
    history: "old versions of rows",
    tombstones: "keys of deleted rows",
    loads: "loads",
    files: "files that have left the folder",
    chunks: "their chunks",
};

/** Formats what a prune would delete. Pure. */
export function formatPlan({ databaseName, stream, before, tables, standingRejects, keptTables }: PrunePlan): string[] {
    const sumBytes = tables.reduce((sum, { bytes }) => sum + bytes, 0);
    const ofStream = stream === null ? "" : ` of the stream ${sanitize(stream)}`;
    const rows = tables.map(({ table, rows, bytes }) => [
        formatNumber(rows),
        ledgerTables[table] ?? `${table}, except those that a kept conflict contradicts`,
        formatBytes(bytes),
    ]);
    return [
        `From the database ${sanitize(databaseName)} these rows${ofStream}, merged before ${formatMoment(before.toISOString())}, will be deleted:`,
        ...formatTable([...rows, ["", "together about", formatBytes(sumBytes)]], {
            indent: "  ",
            rightAligned: [0, 2],
        }),
        ...(standingRejects > 0 ? [`Not resolved by a replay: ${formatCount(standingRejects, "reject")}.`] : []),
        ...keptTables.map(
            (table) => `${sanitize(table)} keeps its rows: they are yours. Its entries in the ledger will be deleted.`,
        ),
        "Files that are still in the folder stay known, and are not read again.",
    ];
}

export function isEmptyPlan({ tables }: PrunePlan): boolean {
    return tables.every(({ rows }) => rows === 0);
}

export function formatSummary(summary: PruneSummary): string[] {
    const { rejects, batches, loads, files, prunedChunks, keptChunks } = summary;
    return [
        `Removed ${formatCount(summary.events, "event")}, ${formatCount(rejects, "reject")}, ` +
            `${formatCount(batches, "batch", "batches")}, ${formatCount(loads, "load")} and ` +
            `${formatCount(files, "file")} of the ledger; ${formatCount(prunedChunks, "chunk")} pruned.`,
        ...(summary.versions > 0 ? [`${formatCount(summary.versions, "old version")} and deleted keys removed.`] : []),
        ...(keptChunks > 0
            ? [
                  `${formatCount(keptChunks, "chunk")} of them keep rows, because a conflict that stays contradicts these rows.`,
              ]
            : []),
        "PostgreSQL reuses the space for new rows; the files on disk do not shrink.",
    ];
}
