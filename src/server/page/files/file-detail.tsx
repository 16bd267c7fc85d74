/** One file: its state and counts, its batches, its rejects, and the other versions of its path. */
import { formatBytes, formatCount, formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Batch } from "../../api/batches/read-batches.ts";
import type { FileDetail as File, SourceFile } from "../../api/files/read-files.ts";
import { BatchTable } from "../batches/batches.tsx";
import { formatClock, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { filesVersion } from "../live/connection.ts";
import { streamHref } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { BalanceLine, OutcomeBar, ShortEquation } from "../parts/equation.tsx";
import { Facts } from "../parts/facts.tsx";
import { FileLink } from "../parts/links.tsx";
import { Nothing, Panel } from "../parts/panel.tsx";
import { RejectList } from "../rejects/reject-list.tsx";
import type { Page } from "../shapes.ts";
import { hrefOf } from "../views/location.ts";
import { explainFile, StateWord } from "./files.tsx";

const pace = { everyMs: 1000, idleMs: 10_000, follows: filesVersion };

export function FileDetail({ id, columns }: { id: string; columns: readonly string[] }) {
    const { data: file, problem, knownAt } = useResource<File>(`/v1/files/${id}`, pace);
    const batches = useResource<Page<Batch>>(`/v1/batches?limit=20&file=${id}`, pace);
    const others = useResource<Page<SourceFile>>(
        file === null ? null : `/v1/files?limit=20&path=${encodeURIComponent(file.path)}`,
        pace,
    );
    const versions =
        others.data?.data.filter(({ fileId, stream }) => fileId !== file?.fileId && stream === file?.stream) ?? [];
    return (
        <>
            <Panel
                id="file"
                title={file === null ? `File ${id}` : sanitize(file.path, { most: 200 })}
                problem={problem}
                knownAt={knownAt}
                isView
            >
                {file && <About file={file} />}
            </Panel>
            {file && (
                <>
                    <Panel id="file-batches" title="Batches" problem={batches.problem} knownAt={batches.knownAt}>
                        {batches.data?.data.length === 0 && <Nothing>Not merged yet.</Nothing>}
                        <BatchTable batches={batches.data?.data ?? []} />
                    </Panel>
                    <Panel
                        id="file-rejects"
                        title="Rejects and conflicts"
                        tools={<a href={hrefOf("/rejects", { file: id })}>Show all</a>}
                    >
                        <RejectList path={`/v1/rejects?limit=10&file=${id}`} columns={columns} nothing="No rejects." />
                    </Panel>
                    {versions.length > 0 && (
                        <Panel id="file-versions" title="Other versions">
                            <ul class="stack">
                                {versions.map((version) => (
                                    <li key={version.fileId}>
                                        <FileLink
                                            fileId={version.fileId}
                                            path={`${version.path}, version ${version.version}`}
                                        />{" "}
                                        <StateWord state={version.state} />
                                    </li>
                                ))}
                            </ul>
                        </Panel>
                    )}
                </>
            )}
        </>
    );
}

function About({ file }: { file: File }) {
    const { chunks, failedChunks, header, records } = file;
    const why = explainFile(file);
    return (
        <div class="about">
            {why !== "" && <p class={file.state === "failed" ? "trouble" : "note"}>{why}</p>}
            <p>
                <ShortEquation counts={records} isLong />
            </p>
            <OutcomeBar counts={records} />
            <BalanceLine counts={records} balanced="Every record that was merged is accounted for." />
            <Facts
                facts={[
                    ["state", <StateWord key="state" state={file.state} />],
                    [
                        "stream",
                        <a key="stream" href={streamHref(file.stream)}>
                            {sanitize(file.stream, { most: 60 })}
                        </a>,
                    ],
                    ["version", formatNumber(file.version)],
                    ["records read", formatNumber(file.loadedRecords)],
                    ["size", formatBytes(file.sizeBytes)],
                    ["chunks", describeChunks(chunks)],
                    ["attempts", file.attempts > 0 ? formatNumber(file.attempts) : ""],
                    [
                        "copy of",
                        file.copyOf === null ? null : (
                            <a key="copy" href={hrefOf(`/files/${file.copyOf}`)}>
                                file {file.copyOf}
                            </a>
                        ),
                    ],
                    ["read as", file.source === null ? "" : sanitize(file.source, { most: 80 })],
                    ["seen", formatClock(file.discoveredAt, nowMs.value)],
                    ["merged", file.mergedAt === null ? "" : formatClock(file.mergedAt, nowMs.value)],
                    ["header", header === null ? "" : header.map((name) => sanitize(name, { most: 60 })).join(", ")],
                ]}
            />
            {failedChunks.length > 0 && (
                <ul class="stack">
                    {failedChunks.map(({ chunkId, firstRecordNo, records: count, problem, problemDetail }) => (
                        <li key={chunkId} class="trouble">
                            Chunk {formatNumber(chunkId)}, from record {formatNumber(firstRecordNo)},{" "}
                            {formatCount(count, "record")}:{" "}
                            {problemDetail === null
                                ? formatCode(problem ?? "failed")
                                : sanitize(problemDetail, { most: 300 })}
                        </li>
                    ))}
                </ul>
            )}
        </div>
    );
}

function describeChunks({ total, ...states }: File["chunks"]): string {
    const parts = Object.entries(states).filter(([, count]) => count > 0);
    const described = parts.map(([state, count]) => `${formatNumber(count)} ${state}`).join(", ");
    return parts.length > 0 ? described : formatNumber(total);
}
