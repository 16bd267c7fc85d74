/** The shop's sums as metrics. Pure. */
import { counter, type Metric } from "../../server/api/metrics/exposition.ts";
import type { Stats } from "./read-stats.ts";

export function describeEvents({ eventTypes, pruned }: Pick<Stats, "eventTypes" | "pruned">): Metric[] {
    // Pruned events stay in the counters: one that falls looks like a restart, and its rate like a flood.
    const types = [...new Set([...eventTypes, ...pruned].map(({ eventType }) => eventType))].sort();
    const byType = (value: (sums: Stats["eventTypes"][number]) => number) =>
        types.map((type) => ({
            labels: { event_type: type },
            value: [...eventTypes, ...pruned]
                .filter(({ eventType }) => eventType === type)
                .reduce((sum, sums) => sum + value(sums), 0),
        }));
    return [
        counter(
            "sluice_events_total",
            "Events inserted, by type.",
            byType(({ events }) => events),
        ),
        counter(
            "sluice_event_quantity_total",
            "Sum of the events' quantities, by type.",
            byType((sums) => sums.quantity),
        ),
        counter(
            "sluice_revenue_total",
            "Sum of quantity times price over purchases.",
            byType(({ revenue }) => Number(revenue)),
        ),
    ];
}
