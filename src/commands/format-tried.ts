/** Formats a dry run: the fate of each file, why, and a few records of each kind. Pure. */
import { describeRefusal } from "../operations/describe-refusal.ts";
import type { RecordSample, TriedFile } from "../operations/try/try-files.ts";
import { formatBytes, formatCount, formatNumber } from "../terminal/format.ts";
import { addRecordCounts } from "../terminal/record-counts.ts";
import { formatRecordTable } from "../terminal/record-table.ts";
import { explainUnseen, sanitize } from "../terminal/sanitize.ts";
import { describeRecord } from "./describe-record.ts";
import { formatEquation } from "./ingest-output.ts";

/** Formats each file, and the sum when there are several. */
export function formatAllTried(tried: readonly TriedFile[]): string[] {
    const each = tried.flatMap(formatTried);
    const lines = [...each, ...explainUnseen(each)];
    if (tried.length < 2) return lines;
    const taken = tried.filter(({ problem }) => problem === null);
    const total = addRecordCounts(taken.map(({ records }) => records));
    const failing = tried.length - taken.length;
    const files = `${formatCount(tried.length, "file")}${failing > 0 ? `, ${formatNumber(failing)} would fail` : ""}`;
    return [...lines, "", ...formatRecordTable(total, { title: "would be read", more: [["files", files]] })];
}

function formatTried(tried: TriedFile): string[] {
    const name = sanitize(tried.file);
    const showSample = (sample: RecordSample) => formatSample(sample, tried.header);
    const failure = [`${name} would fail: ${sanitize(tried.problemDetail ?? "")}`, `  code:  ${tried.problem}`];
    if (tried.problem !== null && tried.problem !== "too_many_rejects") return failure;
    return [
        ...(tried.problem === null ? [] : failure),
        `${name}  ${formatBytes(tried.sizeBytes ?? 0)}`,
        ...(tried.copyOf === null ? [] : [`  would be skipped: its content is that of ${sanitize(tried.copyOf)}`]),
        `  header   ${sanitize((tried.header ?? []).join(", "), { most: 160 })}`,
        ...(tried.extraColumns ? [`  unknown  ${sanitize(tried.extraColumns.join(", "), { most: 160 })} (kept)`] : []),
        ...(tried.dialect === null ? [] : [`  dialect  ${sanitize(JSON.stringify(tried.dialect), { most: 160 })}`]),
        ...tried.notes.map((note) => `  note     ${sanitize(note)}`),
        `  records  ${formatEquation(tried.records)}`,
        ...tried.reasons.flatMap(({ reason, records, samples }) => [
            `  ${reason}  ${formatCount(records, "record")}`,
            ...samples.flatMap(showSample),
        ]),
        ...(tried.insertedSamples.length > 0 ? ["  inserted, such as"] : []),
        ...tried.insertedSamples.flatMap(showSample),
    ];
}

function formatSample(
    { recordNo, lineNo, record, rawText, stored, refusal }: RecordSample,
    header: TriedFile["header"],
): string[] {
    const place = `record ${formatNumber(recordNo)}${lineNo ? `, line ${formatNumber(lineNo)}` : ""}`;
    const lines = [
        `    ${place}: ${sanitize(record ? describeRecord(record, header) : (rawText ?? ""), { most: 200 })}`,
    ];
    if (stored) lines.push(`      stored: ${sanitize(describeRecord(stored, header), { most: 200 })}`);
    if (refusal) lines.push(`      ${describeRefusal(refusal)}`);
    return lines;
}
