/** What was refused: by reason, with samples as the files had them. */
import { signal } from "@preact/signals";
import { formatCount, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Reject, RejectSummary } from "../../api/rejects/read-rejects.ts";
import { formatAgo, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { offers } from "../live/connection.ts";
import { useResource } from "../live/use-resource.ts";
import { Nothing, Panel } from "../parts/panel.tsx";
import type { Page } from "../shapes.ts";
import { traceRecord } from "../trace/trace.tsx";
import { Replay } from "./replay.tsx";

const chosen = signal<string | null>(null);

export function Rejects({ columns }: { columns: readonly string[] }) {
    const {
        data: summary,
        problem,
        knownAt,
    } = useResource<RejectSummary>("/v1/rejects/summary", { everyMs: 3000, idleMs: 20_000 });
    const reasons = summary?.reasons ?? [];
    const records = summary?.kinds.reduce((sum, kind) => sum + kind.records, 0) ?? 0;
    const standing = summary?.kinds.reduce((sum, kind) => sum + standingOf(kind), 0) ?? 0;
    return (
        <Panel
            id="rejects"
            title="Rejects"
            note={records > 0 && describeStanding(standing, records)}
            problem={problem}
            knownAt={knownAt}
        >
            {summary && reasons.length === 0 ? (
                <Nothing>Nothing was refused.</Nothing>
            ) : (
                <div class="rejects">
                    <Reasons reasons={reasons} />
                    {summary && <Samples reason={reasonShown(reasons)} columns={columns} />}
                </div>
            )}
        </Panel>
    );
}

function standingOf({ records, open }: { records: number; open?: number }): number {
    return open ?? records;
}

function describeStanding(standing: number, records: number): string {
    const resolved = records - standing;
    return `${formatCount(standing, "record")} refused${resolved > 0 ? `, ${formatNumber(resolved)} more resolved by replays` : ""}`;
}

function reasonShown(reasons: RejectSummary["reasons"]): string {
    const isThere = reasons.some(({ reason }) => reason === chosen.value);
    return (isThere ? chosen.value : reasons[0]?.reason) ?? "";
}

function Reasons({ reasons }: { reasons: RejectSummary["reasons"] }) {
    const most = Math.max(1, ...reasons.map(standingOf));
    const shown = reasonShown(reasons);
    return (
        <ul class="reasons" aria-label="Reasons">
            {reasons.map(({ kind, reason, ...counts }) => (
                <li key={`${kind} ${reason}`}>
                    <button
                        type="button"
                        aria-pressed={reason === shown}
                        onClick={() => {
                            chosen.value = reason;
                        }}
                    >
                        <span class="bar-name">{formatCode(reason)}</span>
                        <span class="bar-value">{formatNumber(standingOf(counts))}</span>
                        <span class="bar-track" aria-hidden="true">
                            <span class={kind} style={{ width: `${(100 * standingOf(counts)) / most}%` }} />
                        </span>
                    </button>
                </li>
            ))}
        </ul>
    );
}

function Samples({ reason, columns }: { reason: string; columns: readonly string[] }) {
    const path = `/v1/rejects?limit=5&reason=${encodeURIComponent(reason)}`;
    const { data, problem } = useResource<Page<Reject>>(path, { everyMs: 3000, idleMs: 30_000 });
    const samples = data?.data ?? [];
    return (
        <section class="samples" aria-label={`Records with ${formatCode(reason)}`}>
            <div class="samples-head">
                <h3>{formatCode(reason)}</h3>
                {offers.value.has("/v1/replay") && <Replay key={reason} reason={reason} />}
            </div>
            {problem && <p class="trouble">{problem.title}.</p>}
            <ol>
                {samples.map((reject) => (
                    <li key={reject.rejectId}>
                        <p class="note">
                            <b>{sanitize(reject.path ?? "unknown file")}</b> record {formatNumber(reject.recordNo)}
                            {reject.lineNo !== null && `, line ${formatNumber(reject.lineNo)}`} · batch #
                            {formatNumber(reject.batchId)} · {formatAgo(reject.rejectedAt, nowMs.value)}
                            {reject.resolution && <span class="tag">{reject.resolution} by a replay</span>}{" "}
                            {offers.value.has("/v1/trace") && reject.path !== null && (
                                <button
                                    type="button"
                                    class="link"
                                    onClick={() => traceRecord(`${reject.path}:${reject.recordNo}`)}
                                >
                                    Trace<span class="unseen"> record {reject.recordNo}</span>
                                </button>
                            )}
                        </p>
                        <Sample reject={reject} columns={columns} />
                        {reject.reasons.length > 1 && (
                            <p class="note">
                                also:{" "}
                                {reject.reasons
                                    .filter((other) => other !== reason)
                                    .map(formatCode)
                                    .join(", ")}
                            </p>
                        )}
                    </li>
                ))}
            </ol>
        </section>
    );
}

/** Untrusted bytes: as text only, with what cannot be printed or would turn a line around shown as \x…. */
function Sample({ reject, columns }: { reject: Reject; columns: readonly string[] }) {
    if (reject.record === null) return <pre class="raw">{sanitize(reject.rawText ?? "", { most: 400 })}</pre>;
    return (
        <dl class="record">
            {inFileOrder(reject.record, columns).map(([column, value]) => (
                <div key={column}>
                    <dt>{sanitize(column, { most: 60 })}</dt>
                    <dd class={value === null ? "none" : undefined}>
                        {value === null ? "empty" : sanitize(value, { most: 120 })}
                    </dd>
                </div>
            ))}
        </dl>
    );
}

/** The columns that we know first, in the order in which files name them: JSON in the database keeps none. */
function inFileOrder(record: Record<string, string | null>, columns: readonly string[]): [string, string | null][] {
    const known = columns.filter((column) => column in record);
    const others = Object.keys(record).filter((column) => !known.some((name) => name === column));
    return [...known, ...others].map((column) => [column, record[column] ?? null]);
}
