/** What the data says, not how it moves: revenue, the kinds of events, the latest of them. */

import { formatClock, formatCode, formatCountOrDash, formatMoney } from "../../server/page/format.ts";
import { nowMs } from "../../server/page/live/clock.ts";
import { offers } from "../../server/page/live/connection.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import { Nothing, Panel } from "../../server/page/parts/panel.tsx";
import { Sparkline } from "../../server/page/parts/sparkline.tsx";
import type { Page } from "../../server/page/shapes.ts";
import { formatNumber, formatShare } from "../../terminal/format.ts";
import type { ShopEvent } from "../api/read-events.ts";
import type { Stats } from "../api/read-stats.ts";
import { Funnel } from "./funnel.tsx";
import { TopProducts } from "./top-products.tsx";

export function Business() {
    const hourMs = 3_600_000;
    const sinceMs = Math.floor(nowMs.value / hourMs) * hourMs - 23 * hourMs;
    const path = `/v1/stats?bucket=hour&from=${new Date(sinceMs).toISOString()}`;
    const { data: stats, problem, knownAt } = useResource<Stats>(path, { everyMs: 3000, keepsOld: true });
    return (
        <Panel id="business" title="Business" problem={problem} knownAt={knownAt}>
            <div class="business">
                <Revenue stats={stats} sinceMs={sinceMs} />
                {offers.value.has("/v1/stats/funnel") ? <Funnel /> : <EventTypes stats={stats} />}
                {offers.value.has("/v1/stats/top-products") && <TopProducts />}
                <LatestEvents />
            </div>
        </Panel>
    );
}

function Revenue({ stats, sinceMs }: { stats: Stats | null; sinceMs: number }) {
    const points = stats?.series?.data ?? [];
    const byHour = Array.from({ length: 24 }, (_, index) => {
        const at = sinceMs + index * 3_600_000;
        return points
            .filter((point) => Date.parse(point.bucket) === at)
            .reduce((sum, point) => sum + Number(point.revenue), 0);
    });
    const purchases = stats?.eventTypes.find(({ eventType }) => eventType === "purchase");
    return (
        <div class="tile revenue">
            <h3>Revenue</h3>
            <p class="figure" data-test="revenue">
                {formatMoney(stats?.totals.revenue)}
            </p>
            <p class="note">
                {formatCountOrDash(purchases?.events)} purchases, {formatCountOrDash(purchases?.quantity)} items
            </p>
            <Sparkline values={stats ? byHour : []} />
            <p class="note">by hour of event time, the last day</p>
        </div>
    );
}

function EventTypes({ stats }: { stats: Stats | null }) {
    const types = stats?.eventTypes.toSorted((left, right) => right.events - left.events) ?? [];
    const all = stats?.totals.events ?? 0;
    return (
        <div class="tile">
            <h3>Events by type</h3>
            {types.length === 0 && <Nothing>No event yet.</Nothing>}
            <ul class="bars">
                {types.map(({ eventType, events }) => (
                    <li key={eventType}>
                        <span class="bar-name">{formatCode(eventType)}</span>
                        <span class="bar-value">
                            {formatNumber(events)} <span class="muted">{formatShare(events, all)}</span>
                        </span>
                        <span class="bar-track" aria-hidden="true">
                            <span style={{ width: `${(100 * events) / types[0]!.events}%` }} />
                        </span>
                    </li>
                ))}
            </ul>
        </div>
    );
}

function LatestEvents() {
    const { data, problem } = useResource<Page<ShopEvent>>("/v1/events?limit=8", { everyMs: 1500, idleMs: 20_000 });
    const events = data?.data ?? [];
    return (
        <div class="tile latest">
            <h3>Latest events</h3>
            {problem && <p class="trouble">{problem.title}.</p>}
            {data && events.length === 0 && <Nothing>No event yet.</Nothing>}
            {events.length > 0 && (
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
                        {events.map((event) => (
                            <tr key={event.eventId} class="fresh">
                                <td class="muted">{formatClock(event.eventTimestamp, nowMs.value)}</td>
                                <td>{formatCode(event.eventType)}</td>
                                <td class="clip muted">{event.productId}</td>
                                <td class="number">{event.price === null ? "" : formatMoney(event.price)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
        </div>
    );
}
