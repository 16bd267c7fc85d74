/** View, add to cart, purchase: events of each, and their share of the step before. */
import { formatCode } from "../../server/page/format.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import { Bar } from "../../server/page/parts/bar.tsx";
import { Tile } from "../../server/page/parts/tile.tsx";
import { formatNumber, formatShare } from "../../terminal/format.ts";
import type { FunnelSteps } from "../api/read-products.ts";

export function Funnel() {
    const { data, problem } = useResource<FunnelSteps>("/v1/stats/funnel", { everyMs: 3000 });
    const steps = data?.steps ?? [];
    const most = Math.max(1, ...steps.map(({ events }) => events));
    const isEmpty = data !== null && steps.every(({ events }) => events === 0);
    return (
        <Tile title="Funnel" problem={problem} nothing={isEmpty && "No events yet."}>
            <ol class="bars funnel">
                {steps.map(({ eventType, events }, index) => (
                    <li key={eventType}>
                        <Bar name={formatCode(eventType)} share={events / most}>
                            {formatNumber(events)}
                            {index > 0 && (
                                <span class="muted">
                                    {" "}
                                    {formatShare(events, steps[index - 1]!.events)} of{" "}
                                    {formatCode(steps[index - 1]!.eventType)}
                                </span>
                            )}
                        </Bar>
                    </li>
                ))}
            </ol>
        </Tile>
    );
}
