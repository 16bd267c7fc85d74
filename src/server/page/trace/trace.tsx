/** The life of a record: seen, staged, merged, and where it is now; with the other records of its key. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type {
    Trace as FoundTrace,
    RawRecord,
    TracedBatch,
    TracedRecord,
    TracedReject,
} from "../../../operations/trace-schema.ts";
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { formatClock, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { fetchJson } from "../live/fetch-json.ts";
import { inScope } from "../live/scope.ts";
import { Panel } from "../parts/panel.tsx";
import { RecordFields } from "../parts/record.tsx";
import { parseTraceQuery, type TraceKey } from "./parse-query.ts";

interface Step {
    at: string;
    what: string;
    tone?: "good" | "bad" | "conflict";
}

const asked = signal<{ query: string; stream: string | null } | null>(null);

/** Searches that stream for it, else the one that is shown, and scrolls there. */
export function traceRecord(query: string, stream: string | null = null): void {
    asked.value = { query, stream };
    document.getElementById("trace")?.scrollIntoView();
}

export function Trace({ recordKey }: { recordKey: TraceKey }) {
    const [text, setText] = useState("");
    const [found, setFound] = useState<TracedRecord[]>([]);
    const [stored, setStored] = useState<RawRecord | null>(null);
    const [fault, setFault] = useState("");
    const search = async (query: string, stream: string | null = null) => {
        const parsed = parseTraceQuery(query, recordKey);
        if ("fault" in parsed) return setFault(parsed.fault);
        const answer = await fetchJson<FoundTrace>(
            stream === null ? inScope(parsed.path) : `${parsed.path}&stream=${encodeURIComponent(stream)}`,
        );
        setFound("body" in answer ? answer.body.records : []);
        setStored("body" in answer ? (answer.body.stored ?? null) : null);
        setFault("body" in answer ? "" : `${answer.problem.title}. ${answer.problem.detail}`);
    };
    useEffect(() => {
        if (asked.value === null) return;
        setText(asked.value.query);
        void search(asked.value.query, asked.value.stream);
    }, [asked.value]);
    const keyName = recordKey === null ? "" : recordKey === "any" ? "key" : "event id";
    const subjects = keyName === "" ? "" : `${keyName} or by `;
    return (
        <Panel id="trace" title="Trace" note={`The life of a record, by ${subjects}file:record`}>
            <search>
                <form
                    class="field trace-form"
                    onSubmit={(event) => {
                        event.preventDefault();
                        void search(text);
                    }}
                >
                    <input
                        type="search"
                        aria-label={keyName === "" ? "File:record" : `${capitalized(keyName)}, or file:record`}
                        placeholder={keyName === "" ? "file.csv:12" : `${capitalized(keyName)}, or file.csv:12`}
                        spellcheck={false}
                        value={text}
                        onInput={(event) => setText(event.currentTarget.value)}
                    />
                    <button type="submit" class="button">
                        Trace
                    </button>
                </form>
            </search>
            <div aria-live="polite">
                {fault !== "" && <p class="nothing">{fault}</p>}
                {stored && (
                    <div class="life">
                        <h3>The row of this key</h3>
                        <RecordFields fields={fieldsOf(stored)} rawText={null} />
                    </div>
                )}
                <ol class="lives">
                    {found.map((record) => (
                        <Life key={`${record.file.path} ${record.file.version} ${record.recordNo}`} record={record} />
                    ))}
                </ol>
            </div>
        </Panel>
    );
}

function fieldsOf(row: RawRecord): { column: string; value: string | null }[] {
    return Object.entries(row).map(([column, value]) => ({ column, value }));
}

function capitalized(words: string): string {
    return words.charAt(0).toUpperCase() + words.slice(1);
}

function Life({ record }: { record: TracedRecord }) {
    const rawText = record.rejects[0]?.rawText ?? null;
    return (
        <li class="life">
            <h3>
                {sanitize(record.file.path)}:{formatNumber(record.recordNo)}
                <span class="tag">{formatCode(record.outcome)}</span>
            </h3>
            <ol class="timeline">
                {stepsOf(record).map((step) => (
                    <li key={`${step.at} ${step.what}`} class={step.tone}>
                        <span class="muted">{formatClock(step.at, nowMs.value)}</span> {step.what}
                    </li>
                ))}
            </ol>
            {(record.verdicts || rawText) && <RecordFields fields={record.verdicts} rawText={rawText} />}
        </li>
    );
}

function stepsOf({ file, chunk, load, insertedBy, rejects }: TracedRecord): Step[] {
    const version = file.version > 1 ? `, version ${file.version}` : "";
    const by = load ? ` by load ${load.loadId}, the ${load.way} way` : "";
    const steps: Step[] = [
        { at: file.discoveredAt, what: `file seen${version}` },
        { at: chunk.stagedAt, what: `staged in chunk ${chunk.chunkId}${by}` },
        ...rejects.flatMap(stepsOfReject),
    ];
    if (insertedBy) {
        steps.push({ at: insertedBy.committedAt, what: `inserted by ${nameOf(insertedBy)}`, tone: "good" });
    }
    if (file.archivedAt !== null) {
        steps.push({ at: file.archivedAt, what: `file moved to ${sanitize(file.archivedTo ?? "nowhere")}` });
    }
    return steps.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
}

function stepsOfReject(reject: TracedReject): Step[] {
    const { kind, reasons, rejectedAt, batch, resolution, resolvedAt, resolvedBy } = reject;
    const isConflict = kind === "conflict";
    const what = `${isConflict ? "kept as a conflict" : kind}${batch ? ` by ${nameOf(batch)}` : ""}`;
    const refused: Step = {
        at: batch?.committedAt ?? rejectedAt,
        what: `${what}: ${reasons.map(formatCode).join(", ")}`,
        tone: isConflict ? "conflict" : "bad",
    };
    if (resolution === null || resolvedAt === null) return [refused];
    const by = resolvedBy ? ` by ${nameOf(resolvedBy)}` : "";
    return [refused, { at: resolvedAt, what: `${formatCode(resolution)}${by}`, tone: "good" }];
}

function nameOf({ batchId, kind }: TracedBatch): string {
    return `${kind === "replay" ? "replay" : "batch"} #${formatNumber(batchId)}`;
}
