/** Judges the rejects of a reason again, by today's rules; whoever presses it twice changes nothing. */
import { useState } from "preact/hooks";
import type { ReplaySummary } from "../../../operations/run-replay.ts";
import { formatCount } from "../../../terminal/format.ts";
import { formatCode } from "../format.ts";
import { fetchJson } from "../live/fetch-json.ts";
import { refreshAll } from "../live/use-resource.ts";

export function Replay({ reason }: { reason: string }) {
    const [isBusy, setBusy] = useState(false);
    const [said, setSaid] = useState("");
    const replay = async () => {
        setBusy(true);
        const answer = await fetchJson<ReplaySummary>("/v1/replay", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ reason }),
        });
        setBusy(false);
        setSaid("body" in answer ? describe(answer.body) : `${answer.problem.title}. ${answer.problem.detail}`);
        refreshAll();
    };
    return (
        <>
            <span class="note" role="status">
                {said}
            </span>
            <button type="button" class="button" disabled={isBusy} onClick={replay}>
                {isBusy ? "Replaying…" : "Replay"}
                <span class="unseen"> the records with {formatCode(reason)}</span>
            </button>
        </>
    );
}

function describe(summary: ReplaySummary): string {
    const { unchanged, unsplittable, read } = summary;
    const parts = [
        ...(["inserted", "duplicate", "conflict", "rejected"] as const)
            .filter((outcome) => summary[outcome] > 0)
            .map((outcome) => `${formatCount(summary[outcome], "record")} ${outcome}`),
        unchanged + unsplittable > 0 ? `${formatCount(unchanged + unsplittable, "record")} as before` : "",
    ].filter((part) => part !== "");
    return parts.length === 0 && read === 0 ? "Nothing to replay." : `${parts.join(", ")}.`;
}
