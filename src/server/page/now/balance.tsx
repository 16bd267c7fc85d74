/** The promise in numbers, over all that was ever read. */

import type { Status } from "../../../operations/status/status-schema.ts";
import { formatNumber, formatShare } from "../../../terminal/format.ts";
import { isBalanced, OutcomeBar, outcomes } from "../parts/equation.tsx";
import { CheckIcon, CrossIcon } from "../parts/icons.tsx";

const signs = { inserted: "=", duplicate: "+", conflict: "+", rejected: "+" } as const;

export function Balance({ totals }: { totals: Status["totals"] }) {
    const balanced = isBalanced(totals);
    return (
        <div class="balance" data-test="balance" data-batches={totals.batches}>
            <dl>
                <div>
                    <dt>read</dt>
                    <dd data-test="read">{formatNumber(totals.read)}</dd>
                </div>
                {outcomes.map((outcome) => (
                    <div key={outcome} class={outcome}>
                        <span class="sign" aria-hidden="true">
                            {signs[outcome]}
                        </span>
                        <dt>
                            <span class={`key ${outcome}`} aria-hidden="true" />
                            {outcome}{" "}
                            <span class="share">{totals.read > 0 && formatShare(totals[outcome], totals.read)}</span>
                        </dt>
                        <dd data-test={outcome}>{formatNumber(totals[outcome])}</dd>
                    </div>
                ))}
            </dl>
            <OutcomeBar counts={totals} />
            <p class={balanced ? "balanced" : "unbalanced"}>
                {balanced ? <CheckIcon /> : <CrossIcon />}
                {balanced ? "Every record is accounted for." : "The counts do not add up: run `bun run check`."}
            </p>
        </div>
    );
}
