/** The first screen: the verdict, the equation, the numbers. */
import { sanitize } from "../../../terminal/sanitize.ts";
import { formatClock } from "../format.ts";
import { isStale, status } from "../live/connection.ts";
import { scope, shownStatus } from "../live/scope.ts";
import { CodeText } from "../parts/code-text.tsx";
import { Balance } from "./balance.tsx";
import type { Verdict } from "./describe-verdict.ts";
import { PauseControl } from "./pause.tsx";
import { Strip } from "./strip.tsx";

export function Now({ verdict }: { verdict: Verdict }) {
    const asOf = status.value?.asOf;
    const shown = shownStatus.value;
    return (
        <section class="now" aria-labelledby="verdict">
            <div class="verdict">
                {scope.value !== null && <p class="of-stream">{sanitize(scope.value)}</p>}
                <h1 id="verdict" class={verdict.tone}>
                    <CodeText text={verdict.headline} />
                </h1>
                <p>
                    <CodeText text={verdict.detail} />
                </p>
                {shown?.streams.map(({ name, deferredNote }) => deferredNote && <p key={name}>{deferredNote}</p>)}
                {shown && <PauseControl streams={shown.streams} />}
                {isStale.value && asOf && <p class="last-known">Last known {formatClock(asOf)}</p>}
            </div>
            {shown && (
                <div class={isStale.value ? "old" : undefined}>
                    <Balance totals={shown.totals} />
                    <Strip status={shown} />
                </div>
            )}
        </section>
    );
}
