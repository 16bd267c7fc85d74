/** Rejects and conflicts by reason, with samples as the files had them. */
import { signal } from "@preact/signals";
import { formatCount, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Reject, RejectSummary } from "../../api/rejects/read-rejects.ts";
import { formatAgo, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { inScope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Bar } from "../parts/bar.tsx";
import { LinkButton } from "../parts/link-button.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { type Field, RecordFields } from "../parts/record.tsx";
import type { Page } from "../shapes.ts";
import { traceRecord } from "../trace/trace.tsx";
import { Replay } from "./replay.tsx";

const chosen = signal<string | null>(null);

export function Rejects({ columns }: { columns: readonly string[] }) {
    const pace = { everyMs: 3000, idleMs: 20_000 };
    const { data: summary, ...known } = useResource<RejectSummary>(inScope("/v1/rejects/summary"), pace);
    return (
        <Panel id="rejects" title="Rejects" note={summary && describeStanding(summary.kinds)} {...known}>
            {summary?.reasons.length === 0 ? (
                <Nothing>Nothing was refused.</Nothing>
            ) : (
                <div class="rejects">
                    <Reasons reasons={summary?.reasons ?? []} />
                    {summary && <Samples reason={reasonShown(summary.reasons)} columns={columns} />}
                </div>
            )}
        </Panel>
    );
}

function describeStanding(kinds: RejectSummary["kinds"]): string {
    const records = kinds.reduce((sum, kind) => sum + kind.records, 0);
    const standing = kinds.reduce((sum, kind) => sum + kind.open, 0);
    if (records === 0) return "";
    const resolved = records > standing ? `, ${formatNumber(records - standing)} more resolved by replays` : "";
    return `${formatCount(standing, "record")} refused${resolved}`;
}

function reasonShown(reasons: RejectSummary["reasons"]): string {
    const isThere = reasons.some(({ reason }) => reason === chosen.value);
    return (isThere ? chosen.value : reasons[0]?.reason) ?? "";
}

function Reasons({ reasons }: { reasons: RejectSummary["reasons"] }) {
    const most = Math.max(1, ...reasons.map(({ open }) => open));
    const shown = reasonShown(reasons);
    return (
        <ul class="reasons" aria-label="Reasons">
            {reasons.map(({ kind, reason, open }) => (
                <li key={`${kind} ${reason}`}>
                    <button
                        type="button"
                        aria-pressed={reason === shown}
                        onClick={() => {
                            chosen.value = reason;
                        }}
                    >
                        <Bar name={formatCode(reason)} share={open / most} outcome={kind}>
                            {formatNumber(open)}
                        </Bar>
                    </button>
                </li>
            ))}
        </ul>
    );
}

function Samples({ reason, columns }: { reason: string; columns: readonly string[] }) {
    const path = inScope(`/v1/rejects?limit=5&reason=${encodeURIComponent(reason)}`);
    const { data, problem } = useResource<Page<Reject>>(path, { everyMs: 3000, idleMs: 30_000 });
    const samples = data?.data ?? [];
    return (
        <section class="samples" aria-label={`Records with ${formatCode(reason)}`}>
            <div class="samples-head">
                <h3>{formatCode(reason)}</h3>
                <Replay key={reason} reason={reason} />
            </div>
            {problem && <p class="trouble">{problem.title}.</p>}
            <ol>
                {samples.map((reject) => (
                    <Sample key={reject.rejectId} reject={reject} reason={reason} columns={columns} />
                ))}
            </ol>
        </section>
    );
}

interface SampleProps {
    reject: Reject;
    reason: string;
    columns: readonly string[];
}

function Sample({ reject, reason, columns }: SampleProps) {
    const { path, recordNo, lineNo, batchId, rejectedAt, resolution, record, rawText } = reject;
    const others = reject.reasons.filter((other) => other !== reason);
    return (
        <li>
            <p class="note">
                <b>{sanitize(path ?? "unknown file")}</b> record {formatNumber(recordNo)}
                {lineNo !== null && `, line ${formatNumber(lineNo)}`} · batch #{formatNumber(batchId)} ·{" "}
                {formatAgo(rejectedAt, nowMs.value)}
                {resolution && <span class="tag">{resolution} by a replay</span>}{" "}
                {path !== null && (
                    <LinkButton onClick={() => traceRecord(`${path}:${recordNo}`, reject.stream)}>
                        Trace<span class="unseen"> record {recordNo}</span>
                    </LinkButton>
                )}
            </p>
            <RecordFields fields={record && inFileOrder(record, columns)} rawText={rawText} />
            {others.length > 0 && <p class="note">also: {others.map(formatCode).join(", ")}</p>}
        </li>
    );
}

/** JSON in the database keeps no order: the stream's columns first, in the order of its files. */
function inFileOrder(record: Record<string, string | null>, columns: readonly string[]): Field[] {
    const ordered = new Set([...columns.filter((column) => column in record), ...Object.keys(record)]);
    return [...ordered].map((column) => ({ column, value: record[column] ?? null }));
}
