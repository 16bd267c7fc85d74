/** The life of one record: seen, staged, merged, and where it is now; with its rivals for the same event id. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { TracedBatch, TracedRecord, TracedReject } from "../../../operations/trace-schema.ts";
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { formatClock, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { fetchJson } from "../live/fetch-json.ts";
import { Panel } from "../parts/panel.tsx";
import type { StreamView } from "../stream-view.ts";
import { parseTraceQuery } from "./parse-query.ts";

interface Step {
    at: string;
    what: string;
    tone?: "good" | "bad" | "busy";
}

const asked = signal("");

/** From elsewhere on the page. */
export function traceRecord(query: string): void {
    asked.value = query;
    document.getElementById("trace")?.scrollIntoView();
}

export function Trace({ recordKey }: { recordKey: StreamView["key"] }) {
    const [text, setText] = useState("");
    const [found, setFound] = useState<TracedRecord[]>([]);
    const [fault, setFault] = useState("");
    const search = async (query: string) => {
        const parsed = parseTraceQuery(query, recordKey);
        if ("fault" in parsed) return setFault(parsed.fault);
        const answer = await fetchJson<{ records: TracedRecord[] }>(parsed.path);
        setFound("body" in answer ? answer.body.records : []);
        setFault("body" in answer ? "" : `${answer.problem.title}. ${answer.problem.detail}`);
    };
    useEffect(() => {
        if (asked.value === "") return;
        setText(asked.value);
        void search(asked.value);
    }, [asked.value]);
    return (
        <Panel id="trace" title="Trace" note="The life of a record, by event id or by file:record">
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
                        aria-label="Event id, or file:record"
                        placeholder="Event id, or file.csv:12"
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
                <ol class="lives">
                    {found.map((record) => (
                        <Life key={`${record.file.path} ${record.file.version} ${record.recordNo}`} record={record} />
                    ))}
                </ol>
            </div>
        </Panel>
    );
}

function Life({ record }: { record: TracedRecord }) {
    return (
        <li class="life">
            <h3>
                {sanitize(record.file.path)}:{formatNumber(record.recordNo)}
                <span class={`tag outcome ${record.outcome}`}>{formatCode(record.outcome)}</span>
            </h3>
            <ol class="timeline">
                {stepsOf(record).map((step) => (
                    <li key={`${step.at} ${step.what}`} class={step.tone}>
                        <span class="muted">{formatClock(step.at, nowMs.value)}</span> {step.what}
                    </li>
                ))}
            </ol>
            {record.verdicts && (
                <dl class="record">
                    {record.verdicts.map(({ column, value, reason }) => (
                        <div key={column}>
                            <dt>{sanitize(column, { most: 60 })}</dt>
                            <dd class={reason ? "wrong" : undefined}>
                                {value === null ? <span class="none">empty</span> : sanitize(value, { most: 120 })}
                                {reason && <span class="note"> {formatCode(reason)}</span>}
                            </dd>
                        </div>
                    ))}
                </dl>
            )}
            {!record.verdicts && record.rejects[0]?.rawText && (
                <pre class="raw">{sanitize(record.rejects[0].rawText, { most: 400 })}</pre>
            )}
        </li>
    );
}

function stepsOf({ file, chunk, load, insertedBy, rejects }: TracedRecord): Step[] {
    const steps: (Step | null)[] = [
        { at: file.discoveredAt, what: `file seen${file.version > 1 ? `, version ${file.version}` : ""}` },
        {
            at: chunk.stagedAt,
            what: `staged in chunk ${chunk.chunkId}${load ? ` by load ${load.loadId}, the ${load.way} way` : ""}`,
        },
        ...rejects.flatMap(stepsOfReject),
        insertedBy && { at: insertedBy.committedAt, what: `inserted by ${nameOf(insertedBy)}`, tone: "good" },
        file.archivedAt === null
            ? null
            : { at: file.archivedAt, what: `file moved to ${sanitize(file.archivedTo ?? "nowhere")}` },
    ];
    return steps.filter((step) => step !== null).sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
}

function stepsOfReject({
    kind,
    reasons,
    rejectedAt,
    batch,
    resolution,
    resolvedAt,
    resolvedBy,
}: TracedReject): (Step | null)[] {
    const by = batch ? ` by ${nameOf(batch)}` : "";
    return [
        {
            at: batch?.committedAt ?? rejectedAt,
            what: `${kind === "conflict" ? "kept as a conflict" : kind}${by}: ${reasons.map(formatCode).join(", ")}`,
            tone: kind === "conflict" ? "busy" : "bad",
        },
        resolution === null || resolvedAt === null
            ? null
            : {
                  at: resolvedAt,
                  what: `${formatCode(resolution)}${resolvedBy ? ` by ${nameOf(resolvedBy)}` : ""}`,
                  tone: "good",
              },
    ];
}

function nameOf({ batchId, kind }: TracedBatch): string {
    return `${kind === "replay" ? "replay" : "batch"} #${formatNumber(batchId)}`;
}
