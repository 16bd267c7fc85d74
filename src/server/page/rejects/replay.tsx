/** Replays the rejects of a reason. A second replay changes nothing. */
import { useState } from "preact/hooks";
import type { ReplaySummary } from "../../../operations/run-replay.ts";
import { formatCount } from "../../../terminal/format.ts";
import { shownOutcomes } from "../../../terminal/record-counts.ts";
import { formatCode } from "../format.ts";
import { postJson } from "../live/fetch-json.ts";
import { scope } from "../live/scope.ts";
import { refreshAll } from "../live/use-resource.ts";

export function Replay({ reason }: { reason: string }) {
    const [isBusy, setBusy] = useState(false);
    const [said, setSaid] = useState("");
    const replay = async () => {
        setBusy(true);
        const answer = await postJson<ReplaySummary>(
            "/v1/replay",
            scope.value === null ? { reason } : { reason, stream: scope.value },
        );
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
    const counts = shownOutcomes(summary).map((outcome) => [summary[outcome], outcome] as const);
    const parts = [...counts, [summary.unchanged + summary.unsplittable, "as before"] as const]
        .filter(([count]) => count > 0)
        .map(([count, what]) => `${formatCount(count, "record")} ${what}`);
    return parts.length === 0 ? "Nothing to replay." : `${parts.join(", ")}.`;
}
