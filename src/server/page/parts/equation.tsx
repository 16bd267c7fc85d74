/** read = inserted + duplicate + conflict + rejected. */
import { formatNumber } from "../../../terminal/format.ts";
import type { RecordCounts } from "../../../terminal/record-table.ts";
import { Icon } from "./icons.tsx";

export const outcomes = ["inserted", "duplicate", "conflict", "rejected"] as const;

/** In one line; `isLong` names each part. */
export function ShortEquation({ counts, isLong = false }: { counts: RecordCounts; isLong?: boolean }) {
    return (
        <span class="short-equation">
            <b>{formatNumber(counts.read)}</b>
            {isLong && " read"} = {formatNumber(counts.inserted)}
            {isLong && " inserted"}
            {outcomes.slice(1).map((outcome) => (
                <span key={outcome} class={counts[outcome] > 0 ? outcome : "none"} title={outcome}>
                    {" + "}
                    {formatNumber(counts[outcome])}
                    <span class={isLong ? undefined : "unseen"}> {outcome}</span>
                </span>
            ))}
        </span>
    );
}

/** Their shares, by colour; the words beside it say the same. */
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

/** Whether they add up, in words. */
export function BalanceLine(props: { counts: RecordCounts; balanced?: string; unbalanced?: string }) {
    const { balanced = "Every record is accounted for." } = props;
    const { unbalanced = "The counts do not add up. Open Checks to see where." } = props;
    const isBalanced = props.counts.read === outcomes.reduce((sum, outcome) => sum + props.counts[outcome], 0);
    return (
        <p class={isBalanced ? "balanced" : "unbalanced"}>
            <Icon name={isBalanced ? "check" : "cross"} />
            {isBalanced ? balanced : unbalanced}
        </p>
    );
}
