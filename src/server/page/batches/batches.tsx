/** Every merge: its equation, its phases, and on demand what it did to each file. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { formatCount, formatDuration, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Batch, BatchDetail } from "../../api/batches/read-batches.ts";
import { shade, sortPhases } from "../charts/steps.ts";
import { formatAgo, formatClock } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { batches as allBatches } from "../live/connection.ts";
import { hasSeveral, inScope, scope } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { ShortEquation } from "../parts/equation.tsx";
import { Icon } from "../parts/icons.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { Page } from "../shapes.ts";

const shownAtFirst = 10;
const moreEachTime = 40;

const openId = signal<number | null>(null);

/** Opens it and scrolls there. */
export function showBatch(batchId: number): void {
    openId.value = batchId;
    document.getElementById("batches")?.scrollIntoView();
}

export function Batches() {
    const [more, setMore] = useState(shownAtFirst);
    const batches = useBatches();
    const openAt = batches.findIndex(({ batchId }) => batchId === openId.value);
    const shown = Math.max(more, openAt + 1);
    const rows = batches.slice(0, shown);
    const phases = sortPhases(rows.map(({ durationMs }) => durationMs));
    const detail = (batch: Batch) =>
        batch.batchId === openId.value
            ? { id: detailId(batch), content: <Detail batch={batch} phases={phases} /> }
            : null;
    return (
        <Panel id="batches" title="Batches" note={rows.length > 0 && <PhaseKey phases={phases} />}>
            {rows.length === 0 ? (
                <Nothing>No batch yet: the first file makes one.</Nothing>
            ) : (
                <Table
                    label="Batches"
                    columns={columnsFor(rows, phases)}
                    rows={rows}
                    keyOf={({ batchId }) => batchId}
                    detail={detail}
                />
            )}
            {batches.length > shown && (
                <button type="button" class="button more" onClick={() => setMore(shown + moreEachTime)}>
                    Show more
                </button>
            )}
        </Panel>
    );
}

/** Of one stream they are asked for: among the latest of all there may be none of its own. */
function useBatches(): Batch[] {
    const { data } = useResource<Page<Batch>>(scope.value === null ? null : inScope("/v1/batches?limit=200"), {
        everyMs: 1000,
    });
    return scope.value === null ? allBatches.value : (data?.data ?? []);
}

function columnsFor(rows: readonly Batch[], phases: string[]): Column<Batch>[] {
    const longestMs = Math.max(1, ...rows.map((batch) => tookMs(batch)));
    return [
        { head: "Batch", cell: (batch) => <RowButton batch={batch} /> },
        {
            head: "Committed",
            class: "muted",
            cell: ({ finishedAt }) => (
                <span title={formatAgo(finishedAt, nowMs.value)}>{formatClock(finishedAt, nowMs.value)}</span>
            ),
        },
        {
            head: "read = inserted + duplicate + conflict + rejected",
            cell: (batch) => <ShortEquation counts={batch} />,
        },
        { head: "Took", class: "number", cell: (batch) => formatDuration(tookMs(batch)) },
        {
            head: "Phases",
            class: "wide",
            cell: (batch) => <PhaseBar batch={batch} phases={phases} longestMs={longestMs} />,
        },
    ];
}

function RowButton({ batch }: { batch: Batch }) {
    const isOpen = openId.value === batch.batchId;
    return (
        <button
            type="button"
            class="row-button"
            aria-expanded={isOpen}
            aria-controls={detailId(batch)}
            onClick={() => {
                openId.value = isOpen ? null : batch.batchId;
            }}
        >
            <Icon name="chevron" />#{formatNumber(batch.batchId)}
            {batch.kind === "replay" && <span class="tag">replay</span>}
            {hasSeveral.value && scope.value === null && (
                <span class="tag">{sanitize(batch.stream, { most: 40 })}</span>
            )}
        </button>
    );
}

function detailId({ batchId }: Batch): string {
    return `batch-${batchId}`;
}

function PhaseKey({ phases }: { phases: string[] }) {
    return (
        <span class="legend">
            {phases.map((phase, index) => (
                <span key={phase}>
                    <span class="swatch" style={{ background: `var(${shade(index)})` }} aria-hidden="true" />
                    {phase}
                </span>
            ))}
        </span>
    );
}

function PhaseBar({ batch, phases, longestMs }: { batch: Batch; phases: string[]; longestMs: number }) {
    const words = phases.map((phase) => `${phase} ${formatDuration(batch.durationMs[phase] ?? 0)}`).join(", ");
    return (
        <span class="phase-bar" role="img" aria-label={words} title={words}>
            <span style={{ width: `${(100 * tookMs(batch)) / longestMs}%` }}>
                {phases.map((phase, index) => {
                    const style = { flexGrow: batch.durationMs[phase] ?? 0, background: `var(${shade(index)})` };
                    return <span key={phase} style={style} />;
                })}
            </span>
        </span>
    );
}

function Detail({ batch, phases }: { batch: Batch; phases: string[] }) {
    const { data, problem } = useResource<BatchDetail>(`/v1/batches/${batch.batchId}`, {
        idleMs: 3_600_000,
        everyMs: 3_600_000,
    });
    const facts = [
        ...phases.map((phase) => [phase, formatDuration(batch.durationMs[phase] ?? 0)]),
        ["began", formatClock(batch.startedAt, nowMs.value)],
        ["oldest record staged", formatClock(batch.oldestStagedAt, nowMs.value)],
        ["chunks", formatNumber(batch.chunks)],
    ];
    return (
        <div class="detail-body">
            <dl class="facts">
                {facts.map(([name, value]) => (
                    <div key={name}>
                        <dt>{name}</dt>
                        <dd>{value}</dd>
                    </div>
                ))}
            </dl>
            {problem && <p class="trouble">{problem.title}.</p>}
            {data && (
                <table class="compact">
                    <caption>
                        {formatCount(data.fileCount, "file")}
                        {data.fileCount > data.files.length && `, the first ${data.files.length}`}
                    </caption>
                    <tbody>
                        {data.files.map((file) => (
                            <tr key={file.fileId}>
                                <th scope="row" class="clip">
                                    {sanitize(file.path)}
                                </th>
                                <td>
                                    <ShortEquation counts={file} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
        </div>
    );
}

function tookMs(batch: Batch): number {
    return Math.max(0, Date.parse(batch.finishedAt) - Date.parse(batch.startedAt));
}
