/** Refused records as their files had them, each with its reasons and where it is from. */
import { formatNumber } from "../../../terminal/format.ts";
import type { Reject } from "../../api/rejects/read-rejects.ts";
import { formatAgo, formatCode } from "../format.ts";
import { nowMs } from "../live/clock.ts";
import { useResource } from "../live/use-resource.ts";
import { BatchLink, FileLink, TraceLink } from "../parts/links.tsx";
import { Nothing } from "../parts/panel.tsx";
import { type Field, RecordFields } from "../parts/record.tsx";
import type { Page } from "../shapes.ts";
import { hrefOf } from "../views/location.ts";

interface RejectListProps {
    /** An address of the API. */
    path: string;
    columns: readonly string[];
    /** Said when there are none. */
    nothing: string;
}

export function RejectList({ path, columns, nothing }: RejectListProps) {
    const { data, problem } = useResource<Page<Reject>>(path, { everyMs: 3000, idleMs: 30_000 });
    return (
        <>
            {problem && <p class="trouble">{problem.title}.</p>}
            {data?.data.length === 0 && <Nothing>{nothing}</Nothing>}
            <RejectItems rejects={data?.data ?? []} columns={columns} />
        </>
    );
}

export function RejectItems({ rejects, columns }: { rejects: readonly Reject[]; columns: readonly string[] }) {
    return (
        <ol class="samples">
            {rejects.map((reject) => (
                <li key={reject.rejectId}>
                    <p class="note">
                        <a href={hrefOf(`/rejects/${reject.rejectId}`)}>
                            {reject.kind === "conflict" ? "conflict" : "reject"} #{formatNumber(reject.rejectId)}
                        </a>
                        <Reasons reject={reject} />
                    </p>
                    <RecordFields
                        fields={reject.record && inFileOrder(reject.record, columns)}
                        rawText={reject.rawText}
                    />
                    <p class="note">
                        <Origin reject={reject} />
                    </p>
                </li>
            ))}
        </ol>
    );
}

export function Reasons({ reject: { kind, reasons, resolution } }: { reject: Reject }) {
    return (
        <>
            {reasons.map((reason) => (
                <a key={reason} class={`tag ${kind}`} href={hrefOf("/rejects", { reason })}>
                    {formatCode(reason)}
                </a>
            ))}
            {resolution && <span class="tag">{resolution} by a replay</span>}
        </>
    );
}

/** Where it is from: file, record, line, batch, age. */
function Origin({ reject }: { reject: Reject }) {
    const { fileId, path, recordNo, lineNo, batchId, rejectedAt, stream } = reject;
    return (
        <>
            {fileId === null || path === null ? "unknown file" : <FileLink fileId={fileId} path={path} />} record{" "}
            {formatNumber(recordNo)}
            {lineNo !== null && `, line ${formatNumber(lineNo)}`} · <BatchLink batchId={batchId} /> ·{" "}
            {formatAgo(rejectedAt, nowMs.value)}
            {path !== null && (
                <>
                    {" · "}
                    <TraceLink query={`${path}:${recordNo}`} stream={stream}>
                        Trace
                    </TraceLink>
                </>
            )}
        </>
    );
}

/** JSON in the database keeps no order: the stream's columns first, in the order of its files. */
export function inFileOrder(record: Record<string, string | null>, columns: readonly string[]): Field[] {
    const ordered = new Set([...columns.filter((column) => column in record), ...Object.keys(record)]);
    return [...ordered].map((column) => ({ column, value: record[column] ?? null }));
}
