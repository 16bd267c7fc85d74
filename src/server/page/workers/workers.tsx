/** Who shares the work: a row for each stream of each process. Shown where there are several processes, or a bucket is listed. */
import type { LiveWorker } from "../../../operations/status/status-schema.ts";
import { describeWork, listingOf, processesOf, troubleOf } from "../../../operations/status/worker-report.ts";
import { formatCount } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { formatAgo } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { status } from "../live/connection.ts";
import { hasSeveral } from "../live/scope.ts";
import { Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";

export function Workers() {
    const workers = status.value?.workers ?? [];
    const processes = processesOf(workers);
    if (processes.length < 2 && workers.every(({ report }) => listingOf(report) === null)) return null;
    return (
        <Panel id="workers" title="Workers" note={formatCount(processes.length, "process", "processes")}>
            <Table
                label="Workers"
                columns={hasSeveral.value ? columns : columns.filter(({ head }) => head !== "Stream")}
                rows={processes.flat()}
                keyOf={({ workerId }) => workerId}
            />
        </Panel>
    );
}

const columns: Column<LiveWorker>[] = [
    { head: "Worker", isRowHead: true, cell: (worker) => <Name worker={worker} /> },
    { head: "Stream", cell: ({ stream }) => sanitize(stream, { most: 60 }) },
    { head: "At work on", class: "wide", cell: (worker) => <Work worker={worker} /> },
    { head: "Started", class: "number", cell: ({ startedAt }) => formatAgo(startedAt, nowMs.value) },
];

function Name({ worker: { name, host, pid } }: { worker: LiveWorker }) {
    return (
        <>
            {sanitize(name, { most: 60 })}
            <span class="note clip">{`pid ${pid}${name === host ? "" : ` on ${sanitize(host, { most: 60 })}`}`}</span>
        </>
    );
}

function Work({ worker }: { worker: LiveWorker }) {
    const trouble = troubleOf(worker.report);
    return (
        <>
            {describeWork(worker)}
            {trouble !== null && (
                <span class="note bad toned">{`waits: ${sanitize(trouble.what, { most: 200 })}`}</span>
            )}
        </>
    );
}
