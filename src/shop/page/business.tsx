/** The content of the table: revenue, the types of events, the latest of them. */
import { formatClock, formatCode, formatMoney, orDash } from "../../server/page/format.ts";
import { nowMs } from "../../server/page/live/clock.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import { Panel } from "../../server/page/parts/panel.tsx";
import { Sparkline } from "../../server/page/parts/sparkline.tsx";
import { Tile } from "../../server/page/parts/tile.tsx";
import type { Page } from "../../server/page/shapes.ts";
import { formatNumber } from "../../terminal/format.ts";
import type { ShopEvent } from "../api/read-events.ts";
import type { Stats } from "../api/read-stats.ts";
import { Funnel } from "./funnel.tsx";
import { TopProducts } from "./top-products.tsx";

const hourMs = 3_600_000;

export function Business() {
    const sinceMs = Math.floor(nowMs.value / hourMs) * hourMs - 23 * hourMs;
    const path = `/v1/stats?bucket=hour&from=${new Date(sinceMs).toISOString()}`;
    const { data: stats, ...known } = useResource<Stats>(path, { everyMs: 3000, keepsOld: true });
    return (
        <Panel id="business" title="Business" {...known}>
            <div class="business">
                <Revenue stats={stats} sinceMs={sinceMs} />
                <Funnel />
                <TopProducts />
                <LatestEvents />
            </div>
        </Panel>
    );
}

function Revenue({ stats, sinceMs }: { stats: Stats | null; sinceMs: number }) {
    const byHour = new Array<number>(24).fill(0);
    for (const { bucket, revenue } of stats?.series?.data ?? []) {
        const hour = (Date.parse(bucket) - sinceMs) / hourMs;
        if (hour in byHour) byHour[hour]! += Number(revenue);
    }
    const purchases = stats?.eventTypes.find(({ eventType }) => eventType === "purchase");
    return (
        <Tile title="Revenue" class="revenue">
            <p class="figure" data-test="revenue">
                {formatMoney(stats?.totals.revenue)}
            </p>
            <p class="note">
                {orDash(purchases?.events, formatNumber)} purchases, {orDash(purchases?.quantity, formatNumber)} items
            </p>
            <Sparkline values={stats ? byHour : []} />
            <p class="note">by hour of event time, the last day</p>
        </Tile>
    );
}

function LatestEvents() {
    const { data, problem } = useResource<Page<ShopEvent>>("/v1/events?limit=8", { everyMs: 1500, idleMs: 20_000 });
    return (
        <Tile
            title="Latest events"
            problem={problem}
            nothing={data?.data.length === 0 && "No events yet."}
            class="latest"
        >
            {data && (
                <table class="compact">
                    <thead class="unseen">
                        <tr>
                            <th scope="col">Time</th>
                            <th scope="col">Type</th>
                            <th scope="col">Product</th>
                            <th scope="col">Price</th>
                        </tr>
                    </thead>
                    <tbody>
                        {data.data.map((event) => (
                            <tr key={event.eventId}>
                                <td class="muted">{formatClock(event.eventTimestamp, nowMs.value)}</td>
                                <td>{formatCode(event.eventType)}</td>
                                <td class="clip muted">{event.productId}</td>
                                <td class="number">{event.price === null ? "" : formatMoney(event.price)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
        </Tile>
    );
}
