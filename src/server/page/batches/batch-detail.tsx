/** One batch: what it did to each file, where its time went, and what it refused. */

import { formatCount, formatDuration, formatNumber } from "../../../terminal/format.ts";
import { describeEquation } from "../../../terminal/record-counts.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { BatchDetail as Batch } from "../../api/batches/read-batches.ts";
import { sortPhases } from "../charts/steps.ts";
import { formatClock } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { streamHref } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { BalanceLine, OutcomeBar, ShortEquation } from "../parts/equation.tsx";
import { Facts } from "../parts/facts.tsx";
import { FileLink } from "../parts/links.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { RejectList } from "../rejects/reject-list.tsx";
import { hrefOf } from "../views/location.ts";
import { PhaseBar, PhaseKey, tookMs } from "./batches.tsx";

/** A batch never changes once it is committed. */
const once = { everyMs: 3_600_000, idleMs: 3_600_000 };

export function BatchDetail({ id, columns }: { id: string; columns: readonly string[] }) {
    const { data: batch, problem, knownAt } = useResource<Batch>(`/v1/batches/${id}`, once);
    const title = `${batch?.kind === "replay" ? "Replay" : "Batch"} #${formatNumber(Number(id))}`;
    return (
        <>
            <Panel id="batch" title={title} problem={problem} knownAt={knownAt} isView>
                {batch && <About batch={batch} />}
            </Panel>
            {batch && (
                <>
                    <Panel id="batch-files" title="Its files" note={describeFiles(batch)}>
                        {batch.files.length === 0 ? (
                            <Nothing>No known file has records in it.</Nothing>
                        ) : (
                            <Table
                                label="Files"
                                columns={fileColumns}
                                rows={batch.files}
                                keyOf={({ fileId }) => fileId}
                            />
                        )}
                    </Panel>
                    <Panel
                        id="batch-rejects"
                        title="Rejects"
                        tools={<a href={hrefOf("/rejects", { batch: id })}>Show all</a>}
                    >
                        <RejectList path={`/v1/rejects?limit=10&batch=${id}`} columns={columns} nothing="No rejects." />
                    </Panel>
                </>
            )}
        </>
    );
}

function describeFiles({ fileCount, files }: Batch): string {
    const count = formatCount(fileCount, "file");
    return fileCount > files.length ? `${count}, the first ${files.length}` : count;
}

const fileColumns: Column<Batch["files"][number]>[] = [
    { head: "File", isRowHead: true, class: "clip", cell: (file) => <FileLink {...file} /> },
    { head: describeEquation(), cell: (file) => <ShortEquation counts={file} /> },
];

function About({ batch }: { batch: Batch }) {
    const phases = sortPhases([batch.durationMs]);
    return (
        <div class="about">
            <p>
                <ShortEquation counts={batch} isLong />
            </p>
            <OutcomeBar counts={batch} />
            <BalanceLine counts={batch} />
            <Facts
                facts={[
                    [
                        "stream",
                        <a key="stream" href={streamHref(batch.stream)}>
                            {sanitize(batch.stream, { most: 60 })}
                        </a>,
                    ],
                    ["took", formatDuration(tookMs(batch))],
                    ["began", formatClock(batch.startedAt, nowMs.value)],
                    ["committed", formatClock(batch.finishedAt, nowMs.value)],
                    ["oldest record staged", formatClock(batch.oldestStagedAt, nowMs.value)],
                    ["chunks", formatNumber(batch.chunks)],
                    ["rows replaced", batch.displaced > 0 ? formatNumber(batch.displaced) : ""],
                ]}
            />
            <PhaseBar batch={batch} phases={phases} longestMs={tookMs(batch)} />
            <PhaseKey phases={phases} durationMs={batch.durationMs} />
        </div>
    );
}
