/** The numbers that show whether it keeps up, each with its last five minutes. */

import { useEffect } from "preact/hooks";
import type { Status } from "../../../operations/status/status-schema.ts";
import { triggerMsOf } from "../../../operations/status/worker-report.ts";
import { formatBytes, formatCount, formatDuration, formatNumber, formatShare } from "../../../terminal/format.ts";
import type { Flow } from "../../api/flow/read-flow.ts";
import { backlogRecords, meanRate, measures, rates, shares, type Values } from "../charts/steps.ts";
import { formatRate, orDash } from "../format.ts";
import { hasSeveral, inScope, scope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Sparkline } from "../parts/sparkline.tsx";
import { usage, watchUsage } from "./process-usage.ts";

interface Cell {
    label: string;
    value: string;
    unit?: string;
    note: string;
    /** The last five minutes. */
    values: Values;
    /** The top of their scale is at least this. */
    least?: number;
}

export function Strip({ status }: { status: Status }) {
    useEffect(watchUsage, []);
    const { data: flow } = useResource<Flow>(inScope("/v1/flow?window=5m"), { everyMs: 1500, idleMs: 5000 });
    return (
        <dl class="strip">
            {[...paceCells(status, flow), ...outcomeCells(status, flow), processCell()].map((cell) => (
                <div key={cell.label} class="cell">
                    <dt>{cell.label}</dt>
                    <dd class="value">
                        <span data-test={cell.label}>{cell.value}</span>
                        {cell.unit && <span class="unit"> {cell.unit}</span>}
                    </dd>
                    <dd class="note">{cell.note}</dd>
                    <Sparkline values={cell.values} least={cell.least} />
                </div>
            ))}
        </dl>
    );
}

function paceCells({ backlog, freshness, lastBatch, workers }: Status, flow: Flow | null): Cell[] {
    const tookMs = lastBatch ? Date.parse(lastBatch.finishedAt) - Date.parse(lastBatch.startedAt) : null;
    const triggerMs = triggerMsOf(workers);
    const { p50Seconds, p95Seconds } = freshness;
    return [
        {
            label: "Throughput",
            value: orDash(meanRate(flow, 30), formatRate),
            unit: "records/s",
            note: "committed, last 30 s",
            values: rates(flow, "read"),
        },
        {
            label: "Freshness p95",
            value: orDash(p95Seconds, formatSeconds),
            note: `${p50Seconds === null ? "" : `half within ${formatSeconds(p50Seconds)}; `}from seen in the folder to stored`,
            values: measures(flow, "lagP95Ms"),
        },
        {
            label: "Backlog",
            value: formatNumber(backlog.stagedRecords),
            unit: backlog.stagedRecords === 1 ? "record" : "records",
            note: `${formatCount(backlog.files, "file")}, ${formatBytes(backlog.unreadBytes)} unread`,
            values: backlogRecords(flow),
            least: 10,
        },
        {
            label: "Batch time",
            value: orDash(tookMs, formatDuration),
            note:
                triggerMs > 0 && tookMs !== null
                    ? `last batch; one starts every ${formatDuration(triggerMs)} at most`
                    : "last batch",
            values: measures(flow, "longestBatchMs"),
        },
    ];
}

function outcomeCells(status: Status, flow: Flow | null): Cell[] {
    const { totals } = status;
    const refused = totals.rejected + totals.conflict;
    return [
        {
            label: "Rejected",
            value: formatShare(refused, totals.read),
            note: `${formatNumber(refused)}, conflicts included`,
            values: shares(flow, (step) => step.rejected + step.conflict),
            least: 0.05,
        },
        {
            label: "Duplicate",
            value: formatShare(totals.duplicate, totals.read),
            note: `${formatNumber(totals.duplicate)} records`,
            values: shares(flow, (step) => step.duplicate),
            least: 0.05,
        },
        {
            label: "Stored",
            ...(hasSeveral.value && scope.value === null
                ? { value: formatNumber(totals.inserted - totals.displaced), unit: "rows" }
                : { value: formatNumber(status.events), unit: status.table }),
            note: `in ${formatNumber(totals.batches)} batches${totals.displaced > 0 ? `; ${formatNumber(totals.displaced)} replaced` : ""}`,
            values: rates(flow, "inserted"),
        },
    ];
}

function processCell(): Cell {
    const { residentBytes, cpuShare, history } = usage.value;
    return {
        label: "Process",
        value: orDash(residentBytes, formatBytes),
        note: cpuShare === null ? "memory" : `CPU ${Math.round(cpuShare * 100)} % of a core`,
        values: history,
    };
}

function formatSeconds(seconds: number): string {
    return formatDuration(seconds * 1000);
}
