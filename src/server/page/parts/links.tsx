/** Links to what has a view of its own. */
import { formatNumber } from "../../../terminal/format.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { hrefOf } from "../views/location.ts";

export function FileLink({ fileId, path }: { fileId: number; path: string }) {
    return (
        <a href={hrefOf(`/files/${fileId}`)} title={sanitize(path)}>
            {sanitize(path, { most: 200 })}
        </a>
    );
}

export function BatchLink({ batchId, kind = "merge" }: { batchId: number; kind?: string }) {
    return (
        <a href={hrefOf(`/batches/${batchId}`)}>
            {kind === "replay" ? "replay" : "batch"} #{formatNumber(batchId)}
        </a>
    );
}

/** `stream`: the one whose record it is, when another may be shown. */
export function TraceLink({ query, stream, children }: { query: string; stream?: string | null; children: string }) {
    return <a href={hrefOf("/trace", { q: query, ...(stream && { stream }) })}>{children}</a>;
}
