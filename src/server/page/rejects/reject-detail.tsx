/** One reject or conflict: its record and reasons, where it is from, and the life of its record. */
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { RejectDetail as FoundReject } from "../../api/rejects/read-rejects.ts";
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
import { BesideTable, RowNote } from "./beside.tsx";
import { Decide } from "./decide.tsx";
import { EditForm } from "./edit-form.tsx";
import { inFileOrder, Reasons } from "./reject-list.tsx";

/** `keyName`: the column of the built-in stream's key. */
export function RejectDetail({ id, columns, keyName }: { id: string; columns: readonly string[]; keyName: string }) {
    const pace = { everyMs: 3000, idleMs: 30_000 };
    const { data: reject, problem, knownAt } = useResource<FoundReject>(`/v1/rejects/${id}`, pace);
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
            {reject && reject.resolution === null && <Decision key={id} reject={reject} />}
            {reject?.path && <Life reject={reject} path={reject.path} />}
        </>
    );
}

function About({ reject, columns, keyName }: { reject: FoundReject; columns: readonly string[]; keyName: string }) {
    const key = reject.stream === builtIn.value ? (reject.record?.[keyName] ?? null) : null;
    const { fileId, path, recordNo, lineNo, byteOffset, batchId, stream, refusal, resolvedByBatch } = reject;
    return (
        <div class="about">
            <p>
                <Reasons reject={reject} />
            </p>
            {reject.resolution === null && <RowNote beside={reject.beside} />}
            {refusal && <p class="note">{sanitize(JSON.stringify(refusal), { most: 400 })}</p>}
            {reject.kind === "conflict" && reject.beside.storedHash !== null ? (
                <BesideTable fields={reject.beside.fields} label="Stored and arriving" />
            ) : (
                <RecordFields fields={reject.record && inFileOrder(reject.record, columns)} rawText={reject.rawText} />
            )}
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
                    ["edited", reject.editedAt === null ? null : formatClock(reject.editedAt, nowMs.value)],
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

/** Replay it, accept it, or correct it first. */
function Decision({ reject }: { reject: FoundReject }) {
    const { rejectId, kind, record, beside, editedAt } = reject;
    const isTooLong = record === null && beside.fields.some(({ arriving }) => arriving !== null);
    const seen = { editedAt, storedHash: beside.storedHash };
    return (
        <Panel id="decide" title="Decide">
            <Decide
                filter={{ rejects: [rejectId] }}
                of={`this ${kind === "conflict" ? "conflict" : "reject"}`}
                seen={seen}
                mayAccept={beside.storedHash !== null}
            />
            {isTooLong ? (
                <p class="note">
                    The record is too long to edit here: use <code>rejects --id {rejectId} --set</code>.
                </p>
            ) : (
                beside.fields.length > 0 && (
                    <details open={kind === "rejected"}>
                        <summary>Edit the values</summary>
                        <EditForm reject={reject} />
                    </details>
                )
            )}
        </Panel>
    );
}

function Life({ reject: { recordNo, stream }, path }: { reject: FoundReject; path: string }) {
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
