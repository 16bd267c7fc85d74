/** Read is the sum of the outcomes. */
import { formatNumber } from "../../../terminal/format.ts";
import { isBalanced, outcomes, type RecordCounts, shownOutcomes } from "../../../terminal/record-counts.ts";
import { Icon } from "./icons.tsx";

/** In one line; `isLong` names each part. */
export function ShortEquation({ counts, isLong = false }: { counts: RecordCounts; isLong?: boolean }) {
    return (
        <span class="short-equation">
            <b>{formatNumber(counts.read)}</b>
            {isLong && " read"} = {formatNumber(counts.inserted)}
            {isLong && " inserted"}
            {shownOutcomes(counts)
                .slice(1)
                .map((outcome) => (
                    <span key={outcome} class={counts[outcome] > 0 ? outcome : "none"} title={outcome}>
                        {" + "}
                        {formatNumber(counts[outcome])}
                        <span class={isLong ? undefined : "unseen"}> {outcome}</span>
                    </span>
                ))}
            {counts.removed > 0 && <span class="removed">, {formatNumber(counts.removed)} rows removed</span>}
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
    const holds = isBalanced(props.counts);
    return (
        <p class={holds ? "balanced" : "unbalanced"}>
            <Icon name={holds ? "check" : "cross"} />
            {holds ? balanced : unbalanced}
        </p>
    );
}
