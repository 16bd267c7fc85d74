/** read = inserted + duplicate + conflict + rejected: in numbers, and as a bar whose parts are shares of what was read. */
import { formatNumber } from "../../../terminal/format.ts";
import type { RecordCounts } from "../../../terminal/record-table.ts";

export const outcomes = ["inserted", "duplicate", "conflict", "rejected"] as const;

export function isBalanced(counts: RecordCounts): boolean {
    return counts.read === outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);
}

/** In one line of a table. */
export function ShortEquation({ counts }: { counts: RecordCounts }) {
    return (
        <span class="short-equation">
            <b>{formatNumber(counts.read)}</b> = {formatNumber(counts.inserted)}
            {outcomes.slice(1).map((outcome) => (
                <span key={outcome} class={counts[outcome] > 0 ? outcome : "none"} title={outcome}>
                    {" + "}
                    {formatNumber(counts[outcome])}
                    <span class="unseen"> {outcome}</span>
                </span>
            ))}
        </span>
    );
}

export function OutcomeBar({ counts }: { counts: RecordCounts }) {
    return (
        <span class="bar" aria-hidden="true">
            {outcomes
                .filter((outcome) => counts[outcome] > 0)
                .map((outcome) => (
                    <span key={outcome} class={`part ${outcome}`} style={{ flexGrow: counts[outcome] }} />
                ))}
        </span>
    );
}
