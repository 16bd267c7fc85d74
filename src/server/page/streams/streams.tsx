/** The streams, a row each: its state, its equation, its pace and what waits. A row leads to that stream's own panels. */

import type { StreamStatus } from "../../../operations/status/status-schema.ts";
import { formatCount, formatNumber } from "../../../terminal/format.ts";
import { describeEquation } from "../../../terminal/record-counts.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { formatAgo, formatRate } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { scope, streamHref, streams } from "../live/scope.ts";
import { CodeText } from "../parts/code-text.tsx";
import { OutcomeBar, ShortEquation } from "../parts/equation.tsx";
import { Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";

/** `isView`: it is the view of streams, not a panel of the overview. */
export function Streams({ isView = false }: { isView?: boolean }) {
    const rows = streams.value.toSorted((left, right) => gravity[right.tone] - gravity[left.tone]);
    const bad = rows.filter(({ tone }) => gravity[tone] > 0).length;
    return (
        <Panel
            id="streams"
            title="Streams"
            note={
                bad === 0 ? formatCount(rows.length, "stream") : `${formatNumber(bad)} of ${rows.length} need attention`
            }
            isView={isView}
        >
            <Table label="Streams" columns={columns} rows={rows} keyOf={({ name }) => name} isChosen={isChosen} />
        </Panel>
    );
}

function isChosen({ name }: StreamStatus): boolean {
    return name === scope.value;
}

const gravity: Record<StreamStatus["tone"], number> = { bad: 2, busy: 1, quiet: 0, good: 0 };

const columns: Column<StreamStatus>[] = [
    { head: "Stream", isRowHead: true, class: "stream-name", cell: (stream) => <Name stream={stream} /> },
    { head: "State", class: "stream-state", cell: (stream) => <State stream={stream} /> },
    {
        head: describeEquation(),
        class: "wide",
        cell: ({ totals }) => <Equation totals={totals} />,
    },
    {
        head: "Records/s",
        class: "number",
        cell: ({ committed }) => <span title="committed, last minute">{formatRate(committed.recordsPerSecond)}</span>,
    },
    { head: "Oldest waiting", class: "number", cell: ({ backlog }) => formatAgo(backlog.oldestWaitingAt, nowMs.value) },
    {
        head: "Failing",
        class: "number",
        cell: ({ files: { failed } }) =>
            failed === 0 ? <span class="muted">0</span> : <span class="bad toned">{formatCount(failed, "file")}</span>,
    },
];

function Name({ stream: { name, table } }: { stream: StreamStatus }) {
    return (
        <>
            <a href={streamHref(name)} aria-current={name === scope.value ? "true" : undefined}>
                {sanitize(name, { most: 60 })}
            </a>
            <span class="note clip" title={sanitize(table)}>
                {sanitize(table, { most: 80 })}
            </span>
        </>
    );
}

function State({ stream: { state, tone, verdict } }: { stream: StreamStatus }) {
    return (
        <>
            <span class={`state ${tone}`}>
                <span class="dot" aria-hidden="true" />
                {state}
            </span>
            {gravity[tone] > 0 && (
                <span class="note">
                    <CodeText text={firstSentences(sanitize(verdict.replace(/^(?:Blocked: |Stuck\. )/, "")))} />
                </span>
            )}
        </>
    );
}

/** As many as are short together; the stream's own verdict has the rest. */
function firstSentences(text: string): string {
    const sentences = text.split(/(?<=[.!?`]) /);
    let shown = sentences[0]!;
    for (const sentence of sentences.slice(1)) {
        if (shown.length + sentence.length > 140) return shown;
        shown += ` ${sentence}`;
    }
    return shown;
}

function Equation({ totals }: { totals: StreamStatus["totals"] }) {
    return (
        <>
            <ShortEquation counts={totals} />
            <OutcomeBar counts={totals} />
        </>
    );
}
