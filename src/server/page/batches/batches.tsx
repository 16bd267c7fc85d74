/** Every merge: its equation, its phases, and on demand what it did to each file. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { formatCount, formatDuration, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Batch, BatchDetail } from "../../api/batches/read-batches.ts";
import { sortPhases } from "../charts/steps.ts";
import { formatAgo, formatClock } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { batches } from "../live/connection.ts";
import { useResource } from "../live/use-resource.ts";
import { ShortEquation } from "../parts/equation.tsx";
import { ChevronIcon } from "../parts/icons.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { Scroll } from "../parts/scroll.tsx";

const shownAtFirst = 10;
const moreEachTime = 40;

const openId = signal<number | null>(null);

/** From elsewhere on the page. */
export function showBatch(batchId: number): void {
    openId.value = batchId;
    document.getElementById("batches")?.scrollIntoView();
}

export function Batches() {
    const [more, setMore] = useState(shownAtFirst);
    const openAt = batches.value.findIndex(({ batchId }) => batchId === openId.value);
    const shown = Math.max(more, openAt + 1);
    const rows = batches.value.slice(0, shown);
    const phases = sortPhases(rows.map(({ durationMs }) => durationMs));
    const longestMs = Math.max(1, ...rows.map((batch) => tookMs(batch)));
    return (
        <Panel id="batches" title="Batches" note={rows.length > 0 && <PhaseKey phases={phases} />}>
            {rows.length === 0 ? (
                <Nothing>No batch yet: the first file makes one.</Nothing>
            ) : (
                <Scroll label="Batches">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">Batch</th>
                                <th scope="col">Committed</th>
                                <th scope="col">read = inserted + duplicate + conflict + rejected</th>
                                <th scope="col" class="number">
                                    Took
                                </th>
                                <th scope="col" class="wide">
                                    Phases
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {rows.map((batch) => (
                                <BatchRow
                                    key={batch.batchId}
                                    batch={batch}
                                    phases={phases}
                                    longestMs={longestMs}
                                    isOpen={openId.value === batch.batchId}
                                    toggle={() => {
                                        openId.value = openId.value === batch.batchId ? null : batch.batchId;
                                    }}
                                />
                            ))}
                        </tbody>
                    </table>
                </Scroll>
            )}
            {batches.value.length > shown && (
                <button type="button" class="more" onClick={() => setMore(shown + moreEachTime)}>
                    Show more
                </button>
            )}
        </Panel>
    );
}

interface BatchRowProps {
    batch: Batch;
    phases: string[];
    longestMs: number;
    isOpen: boolean;
    toggle: () => void;
}

function BatchRow({ batch, phases, longestMs, isOpen, toggle }: BatchRowProps) {
    const detailId = `batch-${batch.batchId}`;
    return (
        <>
            <tr class={isOpen ? "open" : undefined} data-batch={batch.batchId}>
                <td>
                    <button
                        type="button"
                        class="row-button"
                        aria-expanded={isOpen}
                        aria-controls={detailId}
                        onClick={toggle}
                    >
                        <ChevronIcon />#{formatNumber(batch.batchId)}
                        {batch.kind === "replay" && <span class="tag">replay</span>}
                    </button>
                </td>
                <td class="muted" title={formatAgo(batch.finishedAt, nowMs.value)}>
                    {formatClock(batch.finishedAt, nowMs.value)}
                </td>
                <td>
                    <ShortEquation counts={batch} />
                </td>
                <td class="number">{formatDuration(tookMs(batch))}</td>
                <td class="wide">
                    <PhaseBar batch={batch} phases={phases} longestMs={longestMs} />
                </td>
            </tr>
            {isOpen && (
                <tr class="detail" id={detailId}>
                    <td colSpan={5}>
                        <Detail batch={batch} phases={phases} />
                    </td>
                </tr>
            )}
        </>
    );
}

function PhaseKey({ phases }: { phases: string[] }) {
    return (
        <span class="legend">
            {phases.map((phase, index) => (
                <span key={phase}>
                    <span
                        class="swatch"
                        style={{ background: `var(--shade-${Math.min(index + 1, 6)})` }}
                        aria-hidden="true"
                    />
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
                {phases.map((phase, index) => (
                    <span
                        key={phase}
                        style={{
                            flexGrow: batch.durationMs[phase] ?? 0,
                            background: `var(--shade-${Math.min(index + 1, 6)})`,
                        }}
                    />
                ))}
            </span>
        </span>
    );
}

function Detail({ batch, phases }: { batch: Batch; phases: string[] }) {
    const { data, problem } = useResource<BatchDetail>(`/v1/batches/${batch.batchId}`, {
        idleMs: 3_600_000,
        everyMs: 3_600_000,
    });
    return (
        <div class="detail-body">
            <dl class="facts">
                {phases.map((phase) => (
                    <div key={phase}>
                        <dt>{phase}</dt>
                        <dd>{formatDuration(batch.durationMs[phase] ?? 0)}</dd>
                    </div>
                ))}
                <div>
                    <dt>began</dt>
                    <dd>{formatClock(batch.startedAt, nowMs.value)}</dd>
                </div>
                <div>
                    <dt>oldest record staged</dt>
                    <dd>{formatClock(batch.oldestStagedAt, nowMs.value)}</dd>
                </div>
                <div>
                    <dt>chunks</dt>
                    <dd>{formatNumber(batch.chunks)}</dd>
                </div>
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
