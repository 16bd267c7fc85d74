/** The numbers that tell whether it keeps up, each with its last five minutes. */
import type { ComponentChildren } from "preact";
import type { Status } from "../../../operations/status/status-schema.ts";
import { formatBytes, formatCount, formatDuration, formatNumber, formatShare } from "../../../terminal/format.ts";
import type { Flow } from "../../api/flow/read-flow.ts";
import { backlogRecords, measures, rates, shares, type Values } from "../charts/steps.ts";
import { dash, formatCountOrDash, formatRate } from "../format.ts";
import { useResource } from "../live/use-resource.ts";
import { Sparkline } from "../parts/sparkline.tsx";
import { meanRate, triggerMs } from "./describe-verdict.ts";
import { usage } from "./process-usage.ts";

export function Strip({ status }: { status: Status }) {
    const { data: flow } = useResource<Flow>("/v1/flow?window=5m", { everyMs: 1500, idleMs: 5000 });
    const { totals, backlog, freshness, lastBatch, events } = status;
    const tookMs = lastBatch ? Date.parse(lastBatch.finishedAt) - Date.parse(lastBatch.startedAt) : null;
    const trigger = triggerMs(status.workers);
    const spark = (values: (flow: Flow) => Values) => (flow ? values(flow) : []);
    return (
        <dl class="strip">
            <Cell
                label="Throughput"
                unit="records/s"
                note="committed, last 30 s"
                values={spark((known) => rates(known, "read"))}
            >
                {formatRate(meanRate(flow, "read", 30))}
            </Cell>
            <Cell
                label="Freshness p95"
                note={
                    freshness.p50Seconds === null
                        ? "seen to committed"
                        : `p50 ${formatDuration(freshness.p50Seconds * 1000)}, seen to committed`
                }
                values={spark((known) => measures(known, "lagP95Ms"))}
            >
                {freshness.p95Seconds === null ? dash : formatDuration(freshness.p95Seconds * 1000)}
            </Cell>
            <Cell
                label="Backlog"
                unit={backlog.stagedRecords === 1 ? "record" : "records"}
                note={`${formatCount(backlog.files, "file")}, ${formatBytes(backlog.unreadBytes)} unread`}
                values={spark((known) => backlogRecords(known))}
                least={10}
            >
                {formatCountOrDash(backlog.stagedRecords)}
            </Cell>
            <Cell
                label="Batch time"
                note={
                    trigger && tookMs !== null
                        ? `${formatShare(tookMs, trigger)} of the ${formatDuration(trigger)} trigger`
                        : "last batch"
                }
                values={spark((known) => measures(known, "longestBatchMs"))}
            >
                {tookMs === null ? dash : formatDuration(tookMs)}
            </Cell>
            <Cell
                label="Rejected"
                note={`${formatNumber(totals.rejected + totals.conflict)} with conflicts`}
                values={spark((known) => shares(known, (step) => step.rejected + step.conflict))}
                least={0.05}
            >
                {formatShare(totals.rejected + totals.conflict, totals.read)}
            </Cell>
            <Cell
                label="Duplicate"
                note={`${formatNumber(totals.duplicate)} records`}
                values={spark((known) => shares(known, (step) => step.duplicate))}
                least={0.05}
            >
                {formatShare(totals.duplicate, totals.read)}
            </Cell>
            <Cell
                label="Stored"
                unit="events"
                note={`in ${formatNumber(totals.batches)} batches`}
                values={spark((known) => rates(known, "inserted"))}
            >
                <span data-test="events">{formatCountOrDash(events)}</span>
            </Cell>
            <ProcessCell />
        </dl>
    );
}

interface CellProps {
    label: string;
    unit?: string;
    note: ComponentChildren;
    values: Values;
    least?: number;
    children: ComponentChildren;
}

function Cell({ label, unit, note, values, least = 0, children }: CellProps) {
    return (
        <div class="cell">
            <dt>{label}</dt>
            <dd class="value">
                {children}
                {unit && <span class="unit"> {unit}</span>}
            </dd>
            <dd class="note">{note}</dd>
            <Sparkline values={values} least={least} />
        </div>
    );
}

function ProcessCell() {
    const { residentBytes, cpuShare, history } = usage.value;
    return (
        <Cell
            label="Process"
            note={cpuShare === null ? "memory" : `CPU ${Math.round(cpuShare * 100)} % of a core`}
            values={history}
        >
            {residentBytes === null ? dash : formatBytes(residentBytes)}
        </Cell>
    );
}
