/** Formats a trace. Pure. */
import { commandHere } from "../environment.ts";
import { describeRefusal } from "../operations/describe-refusal.ts";
import type { Headers } from "../operations/read-headers.ts";
import type { TraceSubject } from "../operations/read-trace.ts";
import type { RawRecord, Trace, TracedBatch, TracedRecord, TracedReject } from "../operations/trace-schema.ts";
import { formatBytes, formatMoment, formatNumber } from "../terminal/format.ts";
import { explainUnseen, sanitize } from "../terminal/sanitize.ts";
import { describeRecord } from "./describe-record.ts";
import { describeRow, formatFields } from "./rejects/format-beside.ts";

/** The error for a subject of which nothing is kept. */
export function describeUnknown(subject: TraceSubject, stream: string): { what: string; remedy: string } {
    return "key" in subject
        ? {
              what: `No row and no reject of ${stream} has the key ${describeKey(subject.key)}.`,
              remedy: `Copy the whole key from the file. \`${commandHere("files")}\` lists the files that were read.`,
          }
        : {
              what: `The ledger of ${stream} has no record ${subject.record} of ${sanitize(subject.file)}.`,
              remedy: `${commandHere("files")} lists the files and how many records each has; a path is relative to the folder.`,
          };
}

function describeKey(key: Record<string, string>): string {
    return sanitize(
        Object.entries(key)
            .map(([name, value]) => `${name}=${value}`)
            .join(","),
        { most: 200 },
    );
}

interface TraceContext {
    /** The rows of the table tell which file they came from. */
    tellsOrigin: boolean;
    /** Of the files in the trace. */
    headers: Headers;
}

/** The trace must have records, or something stored. */
export function formatTrace(
    subject: TraceSubject,
    trace: Trace,
    { tellsOrigin, headers }: TraceContext = { tellsOrigin: true, headers: new Map() },
): string[] {
    const lines =
        "key" in subject && !tellsOrigin
            ? formatClaims(subject.key, trace, headers)
            : formatLives(subject, trace, headers);
    return [...lines, ...explainUnseen(lines)];
}

function formatLives(subject: TraceSubject, { records }: Trace, headers: Headers): string[] {
    const [first, ...others] = records;
    const title = "key" in subject ? "its rivals" : "in other versions or loads";
    return [
        ...formatRecord(first!, headers),
        ...(others.length > 0 ? ["", `${title} (exact duplicates are only counted):`] : []),
        ...others.flatMap((record) => ["", ...formatRecord(record, headers)]),
    ];
}

const whatOf = { replaced: "replaced by", deleted: "deleted by", superseded: "superseded:" };

function formatVersion({
    historyId,
    what,
    record,
    path,
    recordNo,
    keptAt,
    batch,
}: Trace["versions"][number]): string[] {
    const by = batch === null ? formatMoment(keptAt) : describeBatch(batch);
    return [
        `  version  ${historyId}: ${whatOf[what]} record ${formatNumber(recordNo)} of ${sanitize(path ?? "a file that is forgotten")}, ${by}`,
        `           ${showRecord(record, null)}`,
    ];
}

function formatClaims(
    key: Record<string, string>,
    { stream, stored, versions, absentFrom, records }: Trace,
    headers: Headers,
): string[] {
    return [
        `${sanitize(stream)} ${describeKey(key)}: ${stored === null ? "no row has this key" : "a row"}`,
        ...(stored === null
            ? []
            : [
                  `  row      ${showRecord(stored, null)}`,
                  "           The table does not record which file a row came from, or whether Sluice wrote it.",
              ]),
        ...(absentFrom === null
            ? []
            : [
                  `  absent   from the snapshot ${sanitize(absentFrom.path)}${absentFrom.version > 1 ? `, version ${absentFrom.version}` : ""}` +
                      `${absentFrom.batch === null ? "" : `, applied by ${describeBatch(absentFrom.batch)}`}`,
              ]),
        ...versions.flatMap(formatVersion),
        records.length === 0
            ? "  rejects  none has this key"
            : "  rejects  with this key (inserted records and exact duplicates are only counted):",
        ...records.flatMap((record) => ["", ...formatRecord(record, headers)]),
    ];
}

function formatRecord(traced: TracedRecord, headers: Headers): string[] {
    const header = headers.get(traced.file.fileId) ?? null;
    const { file, chunk, load, recordNo } = traced;
    const version = file.version > 1 ? `, version ${file.version}` : "";
    return [
        `record ${formatNumber(recordNo)} of ${sanitize(file.path)}${version}: ${describeOutcome(traced)}`,
        `  file     ${file.state}, ${formatBytes(file.sizeBytes)}, found ${formatMoment(file.discoveredAt)}${archived(traced)}`,
        `  chunk    ${chunk.chunkId}: bytes ${formatNumber(chunk.firstByte)} to ${formatNumber(chunk.endByte)}, ` +
            `${formatNumber(chunk.records)} records from ${formatNumber(chunk.firstRecordNo)}, ${chunk.state}`,
        ...(load ? [`  load     ${load.loadId}: ${load.way} way, ${formatMoment(load.startedAt)}`] : []),
        ...(traced.insertedBy ? [`  event    inserted by ${describeBatch(traced.insertedBy)}`] : []),
        ...(traced.event ? [`           ${showRecord(traced.event, header)}`] : []),
        ...traced.rejects.flatMap((reject) => formatReject(reject, header)),
        ...formatVerdicts(traced),
    ];
}

function describeOutcome({ outcome, rejects }: TracedRecord): string {
    const last = rejects.at(-1);
    if (outcome === "duplicate") return "an exact duplicate of an event";
    if (outcome === "merged")
        return "merged: it is a row, or an exact duplicate of one; the table does not record which";
    if (outcome === "pruned") return "was pruned for its age, with the rest of its chunk";
    if (outcome === "waiting") return "not merged yet";
    if (outcome === "failed") return "in a chunk that failed";
    if (outcome === "displaced") return "was the event until a conflicting record was accepted in its place";
    return outcome === "inserted" || !last ? outcome : `${outcome} (${last.reasons.join(", ")})`;
}

function archived({ file }: TracedRecord): string {
    if (file.archivedAt === null) return "";
    return file.archivedTo === null
        ? `, deleted ${formatMoment(file.archivedAt)}`
        : `, now ${sanitize(file.archivedTo)}`;
}

function formatReject(reject: TracedReject, header: Header): string[] {
    const place = reject.lineNo === null ? "" : ` at line ${reject.lineNo}, byte ${reject.byteOffset}`;
    const text = reject.record ? showRecord(reject.record, header) : sanitize(reject.rawText ?? "", { most: 300 });
    return [
        `  reject   ${reject.rejectId}: ${reject.kind}${place}, ${reject.reasons.join(", ")}`,
        ...(reject.batch ? [`           by ${describeBatch(reject.batch)}`] : []),
        `           ${text}`,
        ...(reject.refusal === null ? [] : [`           ${describeRefusal(reject.refusal)}`]),
        ...(reject.originalRecord ? [`           edited; it was ${showRecord(reject.originalRecord, header)}`] : []),
        ...(reject.beside === null
            ? []
            : [
                  ...describeRow(reject.beside).map((line) => `           ${line}`),
                  ...formatFields(
                      reject.beside.fields.filter(({ differs }) => differs),
                      "           ",
                  ),
              ]),
        ...(reject.resolvedBy ? [`           ${reject.resolution} by ${describeBatch(reject.resolvedBy)}`] : []),
    ];
}

function formatVerdicts({ verdicts }: TracedRecord): string[] {
    if (verdicts === null) return [];
    return verdicts.map(({ column, value, reason }, index) => {
        const head = index === 0 ? "  rules    " : "           ";
        return `${head}${column} ${sanitize(value ?? "(none)", { most: 60 })}: ${reason ?? "passes"}`;
    });
}

function describeBatch({ batchId, kind, committedAt }: TracedBatch): string {
    return `${kind === "replay" ? "replay batch" : "batch"} ${batchId}, committed ${formatMoment(committedAt)}`;
}

type Header = readonly string[] | null;

function showRecord(record: RawRecord, header: Header): string {
    return sanitize(describeRecord(record, header), { most: 300 });
}
