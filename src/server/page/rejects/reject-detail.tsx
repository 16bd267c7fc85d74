/** One reject or conflict: its record and reasons, where it is from, and the life of its record. */
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Reject } from "../../api/rejects/read-rejects.ts";
import { formatClock, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { builtIn, streamHref } from "../live/scope.ts";
import { useResource } from "../live/use-resource.ts";
import { Facts } from "../parts/facts.tsx";
import { BatchLink, FileLink, TraceLink } from "../parts/links.tsx";
import { Panel } from "../parts/panel.tsx";
import { RecordFields } from "../parts/record.tsx";
import { Found } from "../trace/trace.tsx";
import { hrefOf } from "../views/location.ts";
import { inFileOrder, Reasons } from "./reject-list.tsx";

/** `keyName`: the column of the built-in stream's key. */
export function RejectDetail({ id, columns, keyName }: { id: string; columns: readonly string[]; keyName: string }) {
    const pace = { everyMs: 3000, idleMs: 30_000 };
    const { data: reject, problem, knownAt } = useResource<Reject>(`/v1/rejects/${id}`, pace);
    const title = `${reject?.kind === "conflict" ? "Conflict" : "Reject"} #${formatNumber(Number(id))}`;
    return (
        <>
            <Panel id="reject" title={title} problem={problem} knownAt={knownAt} isView>
                {problem?.code === "reject_not_found" && (
                    <p>
                        <a href={hrefOf("/trace", { q: id })}>Search {id} as a key</a>
                    </p>
                )}
                {reject && <About reject={reject} columns={columns} keyName={keyName} />}
            </Panel>
            {reject?.path && <Life reject={reject} path={reject.path} />}
        </>
    );
}

function About({ reject, columns, keyName }: { reject: Reject; columns: readonly string[]; keyName: string }) {
    const key = reject.stream === builtIn.value ? (reject.record?.[keyName] ?? null) : null;
    const { fileId, path, recordNo, lineNo, byteOffset, batchId, stream, refusal, resolvedByBatch } = reject;
    return (
        <div class="about">
            <p>
                <Reasons reject={reject} />
            </p>
            {reject.kind === "conflict" && (
                <p class="note">The table has a row with this key and other values. The first record of a key stays.</p>
            )}
            {refusal && <p class="note">{sanitize(JSON.stringify(refusal), { most: 400 })}</p>}
            <RecordFields fields={reject.record && inFileOrder(reject.record, columns)} rawText={reject.rawText} />
            {reject.truncated && <p class="note">Truncated: the record is longer.</p>}
            <Facts
                facts={[
                    [
                        "file",
                        fileId === null || path === null ? (
                            "unknown"
                        ) : (
                            <FileLink key="file" fileId={fileId} path={path} />
                        ),
                    ],
                    ["record", formatNumber(recordNo)],
                    ["line", lineNo === null ? "" : formatNumber(lineNo)],
                    ["byte", byteOffset === null ? "" : formatNumber(byteOffset)],
                    [
                        "its key",
                        key && (
                            <TraceLink key="key" query={key} stream={stream}>
                                {sanitize(key, { most: 80 })}
                            </TraceLink>
                        ),
                    ],
                    ["refused by", <BatchLink key="batch" batchId={batchId} />],
                    ["refused", formatClock(reject.rejectedAt, nowMs.value)],
                    [
                        "stream",
                        <a key="stream" href={streamHref(stream)}>
                            {sanitize(stream, { most: 60 })}
                        </a>,
                    ],
                    [
                        "replay",
                        reject.resolution === null
                            ? "stands: no replay has resolved it"
                            : formatCode(reject.resolution),
                    ],
                    [
                        "resolved by",
                        resolvedByBatch === null ? null : (
                            <BatchLink key="by" batchId={resolvedByBatch} kind="replay" />
                        ),
                    ],
                ]}
            />
        </div>
    );
}

function Life({ reject: { recordNo, stream }, path }: { reject: Reject; path: string }) {
    const query = `${path}:${recordNo}`;
    return (
        <Panel
            id="life"
            title="The life of this record"
            tools={
                <TraceLink query={query} stream={stream}>
                    Open in Trace
                </TraceLink>
            }
        >
            <Found
                path={`/v1/trace?file=${encodeURIComponent(path)}&record=${recordNo}&stream=${encodeURIComponent(stream)}`}
            />
        </Panel>
    );
}
