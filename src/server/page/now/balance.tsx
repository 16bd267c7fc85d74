/** Where all records ever read went. */
import type { Status } from "../../../operations/status/status-schema.ts";
import { formatNumber, formatShare } from "../../../terminal/format.ts";
import { shownOutcomes } from "../../../terminal/record-counts.ts";
import { BalanceLine, OutcomeBar } from "../parts/equation.tsx";

export function Balance({ totals }: { totals: Status["totals"] }) {
    return (
        <div class="balance" data-test="balance" data-batches={totals.batches}>
            <dl>
                <div>
                    <dt>read</dt>
                    <dd data-test="read">{formatNumber(totals.read)}</dd>
                </div>
                {shownOutcomes(totals).map((outcome) => (
                    <div key={outcome} class={outcome}>
                        <span class="sign" aria-hidden="true">
                            {outcome === "inserted" ? "=" : "+"}
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
            <BalanceLine counts={totals} />
        </div>
    );
}
