/** Formats what a stream would be: its columns, its key, how the file fared. Pure. */
import { hostname } from "node:os";
import { basename, dirname, relative, resolve } from "node:path";
import { commandHere } from "../../environment.ts";
import type { MappedTable } from "../../operations/add/add-table.ts";
import type { IngestProcess } from "../../operations/refuse-while-running.ts";
import type { Proposal } from "../../operations/sniff/sniff-file.ts";
import type { TriedFile } from "../../operations/try/try-files.ts";
import { placeOf } from "../../streams/archive-path.ts";
import { isInBucket } from "../../streams/route-files.ts";
import { formatCount, formatNumber } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { formatTable } from "../../terminal/table.ts";
import { describeRecord } from "../describe-record.ts";
import { formatEquation } from "../ingest-output.ts";

interface Titled {
    name: string;
    files: string;
}

export function formatProposal({ name, files }: Titled, proposal: Proposal): string[] {
    const { columns, key, records, brokenRecords } = proposal;
    const isKey = (column: string) => key?.columns.includes(column) ?? false;
    const rows = columns.map((column) => {
        const filled = isKey(column.name) ? "key" : column.isNullable ? "" : "not null";
        return [column.name, column.type, filled, column.note];
    });
    return [
        `${name}: ${files} → public.${name}  (a new table; types from the file's ${formatCount(records, "record")})`,
        ...formatTable(rows, { indent: "  " }),
        ...(key === null ? [] : [`  key ${key.columns.join(", ")}: ${sanitize(key.note)}`]),
        ...formatBroken(brokenRecords),
    ];
}

function formatBroken({ count, first }: Proposal["brokenRecords"]): string[] {
    if (first === null) return [];
    const place = `the first is record ${formatNumber(first.recordNo)}: ${first.reason.replaceAll("_", " ")}`;
    return [`  ${formatCount(count, "record")} cannot be split into values, and would be rejected; ${place}`];
}

export function formatMapping({ declared, mapping, rowChecks }: MappedTable): string[] {
    const rows = mapping.columns.map(({ name, fileName, type, notes }) => [
        name ?? fileName ?? "",
        type ?? "(file only)",
        notes.join("; "),
    ]);
    const done = declared.mode.name === "snapshot" ? "inserted, updated and removed" : "inserted";
    const what = `your table: rows are ${done}, nothing is altered`;
    return [
        `${declared.name}: ${declared.files} → ${declared.table}  (${what})`,
        ...formatTable(rows, { indent: "  " }),
        ...rowChecks.map((check) => `  ${sanitize(check)}`),
    ];
}

export function formatTrial({ file, problem, problemDetail, records, reasons, header }: TriedFile): string[] {
    if (problem !== null)
        return [`trial load of ${sanitize(file)}: it would fail: ${sanitize(problemDetail ?? problem)}`];
    const reasonLines = reasons.map(({ reason, records: count, samples }) => {
        const [sample] = samples;
        if (sample === undefined) return `  ${reason} ${formatNumber(count)}`;
        const text = sample.record ? describeRecord(sample.record, header) : (sample.rawText ?? "");
        const place = `first in record ${formatNumber(sample.recordNo)}`;
        return `  ${reason} ${formatNumber(count)}   ${place}: ${sanitize(text, { most: 120 })}`;
    });
    return [`trial load of ${sanitize(file)}: ${formatEquation(records)}. Nothing was kept.`, ...reasonLines];
}

interface Written {
    name: string;
    /** The file that was looked at, which an ingest finds only in its own folder. */
    path: string | null;
    inputDir: string;
    isInputGiven: boolean;
    /** Processes that ingest into the database now, and have read their streams. */
    running: readonly IngestProcess[];
}

export function formatWritten(
    written: readonly string[],
    { name, path, inputDir, isInputGiven, running }: Written,
): string {
    const wrote = `wrote ${written.join(", ")}.`;
    const names = running.map(({ host, pid }) => (host === hostname() ? `pid ${pid}` : `pid ${pid} on ${host}`));
    const pids = names.join(", ");
    const isObject = path !== null && isInBucket(path);
    if (path !== null && !isObject && relative(resolve(inputDir), resolve(path)).startsWith("..")) {
        const command = `${commandHere("ingest")} --stream ${name} --input ${dirname(placeOf(path))}`;
        const restart = running.length === 0 ? "" : ` and restart the running ingest (${pids})`;
        return `${wrote} Load the data: \`${command}\`, or copy ${basename(placeOf(path))} to ${inputDir}${restart}.`;
    }
    const command = `${commandHere("ingest")}${isInputGiven ? ` --input ${inputDir}` : ""}`;
    const restart =
        running.length === 0 ? "" : `; restart the running one (${pids}), which reads streams/ only when it starts`;
    return `${wrote} \`${command}\` loads its files${restart}.`;
}
