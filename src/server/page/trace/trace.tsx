/** The life of a record: seen, staged, merged, and where it is now; with the other records of its key. */
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
import { inScope, streams } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { BatchLink, FileLink } from "../parts/links.tsx";
import { Panel } from "../parts/panel.tsx";
import { RecordFields } from "../parts/record.tsx";
import { go, hrefOf, hrefWith, queryOf } from "../views/location.ts";
import { parseTraceQuery, type TraceKey } from "./parse-query.ts";

interface Step {
    at: string;
    what: string;
    batch?: TracedBatch;
    rejectId?: number;
    tone?: "good" | "bad" | "conflict";
}

export function Trace({ recordKey }: { recordKey: TraceKey }) {
    const query = queryOf("q") ?? "";
    const [text, setText] = useState(query);
    useEffect(() => setText(query), [query]);
    const parsed = query === "" ? null : parseTraceQuery(query, recordKey);
    const keyName = recordKey === null || recordKey === "any" ? "key" : "event id";
    return (
        <Panel id="trace" title="Trace" note={`The life of a record, by ${keyName} or by file:record`} isView>
            <search>
                <form
                    class="field trace-form"
                    onSubmit={(event) => {
                        event.preventDefault();
                        go(hrefWith({ q: text.trim() === "" ? null : text.trim() }));
                    }}
                >
                    <input
                        type="search"
                        aria-label={`${capitalized(keyName)}, or file:record`}
                        placeholder={`${capitalized(keyName)}, or file.csv:12`}
                        spellcheck={false}
                        value={text}
                        onInput={(event) => setText(event.currentTarget.value)}
                    />
                    <button type="submit" class="button">
                        Trace
                    </button>
                </form>
            </search>
            {parsed && "fault" in parsed && recordKey !== null && <p class="nothing">{parsed.fault}</p>}
            {parsed && "fault" in parsed && recordKey === null && <FoundAnywhere text={query} />}
            {parsed && "path" in parsed && <Found path={inScope(parsed.path)} />}
        </Panel>
    );
}

/** No stream is chosen: the key is looked for in each. */
function FoundAnywhere({ text }: { text: string }) {
    return (
        <>
            {streams.value.map(({ name }) => (
                <section key={name} aria-label={name}>
                    <h2>
                        <a href={hrefWith({ stream: name })}>{sanitize(name, { most: 60 })}</a>
                    </h2>
                    <Found path={`/v1/trace?key=${encodeURIComponent(text)}&stream=${encodeURIComponent(name)}`} />
                </section>
            ))}
            <p class="nothing">
                <a href={hrefOf("/files", { contains: text })}>Files whose name contains it</a>
            </p>
        </>
    );
}

/** What /v1/trace finds. `path`: with its query. */
export function Found({ path }: { path: string }) {
    const { data, problem } = useResource<FoundTrace>(path, { everyMs: 10_000, idleMs: 3_600_000 });
    return (
        <div aria-live="polite">
            {problem && (
                <p class="nothing">
                    {problem.title}. {problem.detail}
                </p>
            )}
            {data?.stored && (
                <div class="life">
                    <h2>The row of this key</h2>
                    <p class="note">
                        Your table does not record which file a row came from. Below are the rejects with this key;
                        records that were inserted, and exact duplicates, are counted and not listed.
                    </p>
                    <RecordFields fields={fieldsOf(data.stored)} rawText={null} />
                </div>
            )}
            <ol class="lives">
                {data?.records.map((record) => (
                    <Life key={`${record.file.path} ${record.file.version} ${record.recordNo}`} record={record} />
                ))}
            </ol>
        </div>
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
            <h2>
                <FileLink {...record.file} />:{formatNumber(record.recordNo)}
                <span class="tag">{formatCode(record.outcome)}</span>
            </h2>
            <ol class="timeline">
                {stepsOf(record).map((step) => (
                    <li key={`${step.at} ${step.what}`} class={step.tone}>
                        <span class="muted">{formatClock(step.at, nowMs.value)}</span> {step.what}
                        {step.batch && (
                            <>
                                {" by "}
                                <BatchLink {...step.batch} />
                            </>
                        )}
                        {step.rejectId !== undefined && (
                            <>
                                {" · "}
                                <a href={hrefOf(`/rejects/${step.rejectId}`)}>the reject</a>
                            </>
                        )}
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
        steps.push({ at: insertedBy.committedAt, what: "inserted", batch: insertedBy, tone: "good" });
    }
    if (file.archivedAt !== null) {
        steps.push({ at: file.archivedAt, what: `file moved to ${sanitize(file.archivedTo ?? "nowhere")}` });
    }
    return steps.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
}

function stepsOfReject(reject: TracedReject): Step[] {
    const { rejectId, kind, reasons, rejectedAt, batch, resolution, resolvedAt, resolvedBy } = reject;
    const isConflict = kind === "conflict";
    const refused: Step = {
        at: batch?.committedAt ?? rejectedAt,
        what: `${isConflict ? "kept as a conflict" : kind}: ${reasons.map(formatCode).join(", ")}`,
        ...(batch && { batch }),
        rejectId,
        tone: isConflict ? "conflict" : "bad",
    };
    if (resolution === null || resolvedAt === null) return [refused];
    const resolved = { at: resolvedAt, what: formatCode(resolution), tone: "good" as const };
    return [refused, resolvedBy ? { ...resolved, batch: resolvedBy } : resolved];
}
