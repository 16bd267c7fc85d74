/** Counts requests and their duration by route, so the number of series is that of the routes. */
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { counter, type Metric, type Sample } from "./exposition.ts";

const bucketsInSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const knownMethods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

interface Durations {
    route: string;
    counts: number[];
    sum: number;
    count: number;
}

export type HttpMetrics = ReturnType<typeof createHttpMetrics>;

export function createHttpMetrics() {
    const requests = new Map<string, Sample & { value: number }>();
    const durations = new Map<string, Durations>();

    function record(method: string, route: string, status: number, seconds: number): void {
        const key = `${method} ${route} ${status}`;
        const counted = requests.get(key) ?? { labels: { method, route, status: String(status) }, value: 0 };
        counted.value += 1;
        requests.set(key, counted);
        const timed = durations.get(route) ?? { route, counts: bucketsInSeconds.map(() => 0), sum: 0, count: 0 };
        bucketsInSeconds.forEach((bound, index) => {
            if (seconds <= bound) timed.counts[index]! += 1;
        });
        timed.sum += seconds;
        timed.count += 1;
        durations.set(route, timed);
    }

    return {
        middleware: createMiddleware(async (c, next) => {
            const beganAt = performance.now();
            await next();
            const method = knownMethods.has(c.req.method) ? c.req.method : "other";
            record(method, routeOf(routePath(c, -1)), c.res.status, (performance.now() - beganAt) / 1000);
        }),
        collect: (): Metric[] => [
            counter("sluice_http_requests_total", "Requests answered, by route and status.", [...requests.values()]),
            {
                name: "sluice_http_request_duration_seconds",
                type: "histogram",
                help: "Time to the response's head, by route.",
                samples: [...durations.values()].flatMap(toSamples),
            },
        ],
    };
}

/** A request that no route took has matched only middleware, whose paths end in a star. */
function routeOf(path: string): string {
    return path.endsWith("*") ? "unmatched" : path;
}

function toSamples({ route, counts, sum, count }: Durations): Sample[] {
    return [
        ...bucketsInSeconds.map((bound, index) => ({
            suffix: "_bucket",
            labels: { route, le: String(bound) },
            value: counts[index]!,
        })),
        { suffix: "_bucket", labels: { route, le: "+Inf" }, value: count },
        { suffix: "_sum", labels: { route }, value: sum },
        { suffix: "_count", labels: { route }, value: count },
    ];
}
