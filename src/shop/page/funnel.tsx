/** View, add to cart, purchase: events of each, and how many of the step before that is. */

import { formatCode } from "../../server/page/format.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import { Nothing } from "../../server/page/parts/panel.tsx";
import { formatNumber, formatShare } from "../../terminal/format.ts";
import type { FunnelSteps } from "../api/read-products.ts";

export function Funnel() {
    const { data, problem } = useResource<FunnelSteps>("/v1/stats/funnel", { everyMs: 3000 });
    const steps = data?.steps ?? [];
    const most = Math.max(1, ...steps.map(({ events }) => events));
    const isEmpty = data !== null && steps.every(({ events }) => events === 0);
    return (
        <div class="tile">
            <h3>Funnel</h3>
            {problem && <p class="trouble">{problem.title}.</p>}
            {isEmpty && <Nothing>No event yet.</Nothing>}
            {!isEmpty && (
                <ol class="bars funnel">
                    {steps.map(({ eventType, events }, index) => (
                        <li key={eventType}>
                            <span class="bar-name">{formatCode(eventType)}</span>
                            <span class="bar-value">
                                {formatNumber(events)}
                                {index > 0 && (
                                    <span class="muted">
                                        {" "}
                                        {formatShare(events, steps[index - 1]!.events)} of{" "}
                                        {formatCode(steps[index - 1]!.eventType)}
                                    </span>
                                )}
                            </span>
                            <span class="bar-track" aria-hidden="true">
                                <span style={{ width: `${(100 * events) / most}%` }} />
                            </span>
                        </li>
                    ))}
                </ol>
            )}
        </div>
    );
}
