/** Files as a table, and one file with what became of its records. Pure. */

import { remedyFor } from "../../database/file-problems.ts";
import type { readFile, selectFiles } from "../../server/api/files/read-files.ts";
import { unmatchedNote } from "../../streams/source-of.ts";
import { formatBytes, formatCount, formatMoment, formatNumber } from "../../terminal/format.ts";
import { formatRecordTable } from "../../terminal/record-table.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { formatTable } from "../../terminal/table.ts";

export type ListedFile = Awaited<ReturnType<typeof selectFiles>>[number];
export type FileDetail = NonNullable<Awaited<ReturnType<typeof readFile>>>;

export function formatFiles(files: readonly ListedFile[]): string[] {
    const hasStreams = new Set(files.map(({ stream }) => stream)).size > 1;
    const rows = files.map((file) => [
        file.fileId,
        ...(hasStreams ? [sanitize(file.stream, { most: 40 })] : []),
        sanitize(file.path, { most: 60 }),
        file.state,
        formatBytes(file.sizeBytes),
        file.loadedRecords,
        formatMoment(file.updatedAt),
        describeProblem(file),
    ]);
    return formatTable(rows, {
        header: ["file", ...(hasStreams ? ["stream"] : []), "path", "state", "size", "records", "changed", ""],
        rightAligned: [hasStreams ? 4 : 3],
    });
}

function describeProblem({ problem, problemDetail, copyOf, version, isUnmatched }: ListedFile): string {
    const parts = [
        ...(problem === null ? [] : [`${problem}: ${sanitize(problemDetail ?? "", { most: 80 })}`]),
        ...(copyOf === null ? [] : [`a copy of file ${copyOf}`]),
        ...(isUnmatched ? ["fits no source"] : []),
        ...(version > 1 ? [`version ${version}`] : []),
    ];
    return parts.join("; ");
}

export function formatFileDetail(file: FileDetail): string[] {
    const { chunks, header, extraColumns, failedChunks, problem } = file;
    const facts = [
        ["file", `${file.fileId}, version ${file.version}`],
        ["state", `${file.state}, found ${formatMoment(file.discoveredAt)}, changed ${formatMoment(file.updatedAt)}`],
        ["size", `${formatBytes(file.sizeBytes)}, ${formatBytes(file.loadedBytes)} of it loaded`],
        ["chunks", `${formatCount(chunks.total, "chunk")}, ${formatNumber(chunks.merged)} merged`],
        ...(header === null ? [] : [["header", sanitize(header.join(", "), { most: 160 })]]),
        ...(extraColumns?.length ? [["unknown", `${sanitize(extraColumns.join(", "), { most: 160 })} (kept)`]] : []),
        ...(file.source === null ? [] : [["source", sanitize(file.source)]]),
        ...(file.isUnmatched ? [["source", unmatchedNote]] : []),
        ...(problem === null ? [] : [["problem", `${problem}: ${sanitize(file.problemDetail ?? "", { most: 200 })}`]]),
        ...(problem === null ? [] : [["fix", remedyFor(problem)]]),
        ...failedChunks.map(({ chunkId, problem: why }) => [`chunk ${chunkId}`, `failed: ${why ?? "unknown"}`]),
    ];
    return [sanitize(file.path), ...formatTable(facts, { indent: "  " }), "", ...formatRecordTable(file.records)];
}
