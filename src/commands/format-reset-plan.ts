import type { KeptTable } from "../operations/kept-tables.ts";
import type { ResetPlan } from "../operations/reset-database.ts";
import { formatBytes, formatCount, formatNumber } from "../terminal/format.ts";
import { sanitize } from "../terminal/sanitize.ts";
import { formatTable } from "../terminal/table.ts";

interface InputFiles {
    inputDir: string;
    fileCount: number;
    fileBytes: number;
}

/** Formats what a reset will delete. Pure. */
export function formatPlan(plan: ResetPlan, { inputDir, fileCount, fileBytes }: InputFiles): string[] {
    const rows = [
        ...(plan.table === null ? [] : [[formatNumber(plan.events), plan.table]]),
        [formatNumber(plan.rejects), "rejects and conflicts"],
        [formatNumber(plan.stagedRecords), "staged records"],
        [formatNumber(plan.files), "known files"],
        [formatNumber(plan.batches), "batches"],
    ];
    const deleted = `${formatCount(fileCount, "file")} in ${sanitize(inputDir)} (${formatBytes(fileBytes)}) will be deleted.`;
    const ofStream = plan.stream === null ? "" : ` of the stream ${sanitize(plan.stream)}`;
    return [
        `From the database ${sanitize(plan.databaseName)} these rows${ofStream} will be deleted:`,
        ...formatTable(rows, { indent: "  ", rightAligned: [0] }),
        ...formatKept(plan.kept),
        ...(fileCount > 0 ? [deleted] : []),
    ];
}

/** What stays, because Sluice did not make it. */
export function formatKept(kept: readonly KeptTable[]): string[] {
    return kept.map(({ table, rows, isEstimate, mode }) => {
        const count = `${isEstimate ? "about " : ""}${formatCount(rows, "row")}`;
        const again =
            mode === "append"
                ? "each of their records becomes a further row: remove the files, or delete the rows yourself"
                : "their records are duplicates";
        return `${sanitize(table)} keeps its ${count}: they are yours. If its files are read again, ${again}.`;
    });
}
