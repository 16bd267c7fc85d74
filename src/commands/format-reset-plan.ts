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
        [formatNumber(plan.events), plan.table],
        [formatNumber(plan.rejects), "rejects and conflicts"],
        [formatNumber(plan.stagedRecords), "staged records"],
        [formatNumber(plan.files), "files in the ledger"],
        [formatNumber(plan.batches), "batches"],
    ];
    const deleted = `${formatCount(fileCount, "file")} in ${sanitize(inputDir)} (${formatBytes(fileBytes)}) will be deleted.`;
    return [
        `From the database ${sanitize(plan.databaseName)} will go:`,
        ...formatTable(rows, { indent: "  ", rightAligned: [0] }),
        ...(fileCount > 0 ? [deleted] : []),
    ];
}
