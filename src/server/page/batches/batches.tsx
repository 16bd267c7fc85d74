/** Every merge: its equation, its phases, and how long it took. */

import { formatDuration } from "../../../terminal/format.ts";
import { describeEquation } from "../../../terminal/record-counts.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Batch } from "../../api/batches/read-batches.ts";
import { phaseHue, phaseMeanings, sortPhases } from "../charts/steps.ts";
import { formatAgo, formatClock } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { hasSeveral, inScope, scope, shownStatus } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { ShortEquation } from "../parts/equation.tsx";
import { BatchLink } from "../parts/links.tsx";
import { useMovingList } from "../parts/moving-list.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { RangeChoice } from "../parts/range-choice.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { Page } from "../shapes.ts";
import { address, hrefOf } from "../views/location.ts";
import { listQuery, parseRange } from "../views/time-range.ts";

const pace = { everyMs: 1000 };
const noneYet = "No batches yet.";

export function Batches() {
    const range = parseRange(address.value.searchParams);
    const path = inScope(`/v1/batches?limit=50${listQuery(range, nowMs.value)}`);
    const { rows, data, hold, pages, problem, knownAt } = useMovingList<Batch>(
        path,
        shownStatus.value?.totals.batches ?? 0,
        pace,
    );
    const tools = (
        <>
            <RangeChoice otherwise="all" />
            {hold}
        </>
    );
    return (
        <Panel id="batches" title="Batches" tools={tools} problem={problem} knownAt={knownAt} isView>
            {data && rows.length === 0 && (
                <Nothing>{range === null ? noneYet : "No batches in this time range."}</Nothing>
            )}
            {rows.length > 0 && <PhaseKey phases={phasesOf(rows)} />}
            <BatchTable batches={rows} />
            {pages}
        </Panel>
    );
}

export function LatestBatches() {
    const { data, problem, knownAt } = useResource<Page<Batch>>(inScope("/v1/batches?limit=8"), pace);
    return (
        <Panel
            id="batches"
            title="Latest batches"
            tools={<a href={hrefOf("/batches")}>All batches</a>}
            problem={problem}
            knownAt={knownAt}
        >
            {data?.data.length === 0 && <Nothing>{noneYet}</Nothing>}
            <BatchTable batches={data?.data ?? []} />
        </Panel>
    );
}

export function BatchTable({ batches }: { batches: readonly Batch[] }) {
    if (batches.length === 0) return null;
    return <Table label="Batches" columns={columnsFor(batches)} rows={batches} keyOf={({ batchId }) => batchId} />;
}

function columnsFor(rows: readonly Batch[]): Column<Batch>[] {
    const longestMs = Math.max(1, ...rows.map((batch) => tookMs(batch)));
    const phases = phasesOf(rows);
    return [
        { head: "Batch", isRowHead: true, cell: (batch) => <Name batch={batch} /> },
        {
            head: "Committed",
            class: "muted",
            cell: ({ finishedAt }) => (
                <span title={formatAgo(finishedAt, nowMs.value)}>{formatClock(finishedAt, nowMs.value)}</span>
            ),
        },
        {
            head: describeEquation(),
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

function Name({ batch }: { batch: Batch }) {
    return (
        <>
            <BatchLink {...batch} />
            {hasSeveral.value && scope.value === null && (
                <span class="tag">{sanitize(batch.stream, { most: 40 })}</span>
            )}
        </>
    );
}

function phasesOf(rows: readonly Batch[]): string[] {
    return sortPhases(rows.map(({ durationMs }) => durationMs));
}

/** Each phase with its colour and what it does. */
export function PhaseKey({ phases, durationMs }: { phases: readonly string[]; durationMs?: Batch["durationMs"] }) {
    return (
        <dl class="phases">
            {phases.map((phase) => (
                <div key={phase}>
                    <dt>
                        <span class="swatch" style={{ background: `var(${phaseHue(phase)})` }} aria-hidden="true" />
                        {phase}
                        {durationMs && <b> {formatDuration(durationMs[phase] ?? 0)}</b>}
                    </dt>
                    <dd>{phaseMeanings[phase]}</dd>
                </div>
            ))}
        </dl>
    );
}

export function PhaseBar({ batch, phases, longestMs }: { batch: Batch; phases: readonly string[]; longestMs: number }) {
    const words = phases.map((phase) => `${phase} ${formatDuration(batch.durationMs[phase] ?? 0)}`).join(", ");
    return (
        <span class="phase-bar" role="img" aria-label={words} title={words}>
            <span style={{ width: `${(100 * tookMs(batch)) / longestMs}%` }}>
                {phases.map((phase) => {
                    const style = { flexGrow: batch.durationMs[phase] ?? 0, background: `var(${phaseHue(phase)})` };
                    return <span key={phase} style={style} />;
                })}
            </span>
        </span>
    );
}

export function tookMs(batch: Batch): number {
    return Math.max(0, Date.parse(batch.finishedAt) - Date.parse(batch.startedAt));
}
