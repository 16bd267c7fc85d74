/** `GET /metrics` for Prometheus. */
import { createRoute, z } from "@hono/zod-openapi";
import { Problem } from "../problem.ts";
import type { Api, Context, StreamApi } from "../route-types.ts";
import { describeFacts } from "./describe-facts.ts";
import { counter, formatMetrics, gauge, type Metric } from "./exposition.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import { readStorage } from "./read-storage.ts";

/** However many scrape: it changes slowly. */
const storageSharedForMs = 5_000;

const contentType = "text/plain; version=0.0.4; charset=utf-8";

const getMetrics = createRoute({
    method: "get",
    path: "/metrics",
    summary: "Metrics in the Prometheus text format",
    responses: {
        200: {
            description:
                "When the database is unreachable, `sluice_database_up` is 0 and the facts of the ledger are absent, not old.",
            content: { "text/plain": { schema: z.string() } },
        },
    },
});

interface OtherMetrics {
    served: StreamApi;
    httpMetrics: HttpMetrics;
    streamViewers: () => number;
}

export function addMetricsRoutes(
    app: Api,
    context: Context,
    { served, httpMetrics, streamViewers }: OtherMetrics,
): void {
    const startedAt = context.now().getTime() / 1000;
    app.openapi(getMetrics, async (c) => {
        const facts = await readFacts(context, served);
        const metrics = [
            gauge("sluice_database_up", "Whether the database answered this scrape.", facts ? 1 : 0),
            ...(facts ?? []),
            ...httpMetrics.collect(),
            gauge("sluice_stream_viewers", "Open live streams.", streamViewers()),
            ...describeProcess(startedAt),
        ];
        return c.text(formatMetrics(metrics), 200, { "content-type": contentType });
    });
}

/** Undefined if the database is unreachable: a scrape that fails as a whole would hide why. */
async function readFacts(context: Context, served: StreamApi): Promise<Metric[] | undefined> {
    try {
        const [status, ofStream, storage] = await Promise.all([
            context.status.read(),
            served.readMetrics(context),
            context.reader.share("storage", storageSharedForMs, (db) => readStorage(db)),
        ]);
        return [...describeFacts(status, storage), ...ofStream];
    } catch (error) {
        if (error instanceof Problem) return undefined;
        throw error;
    }
}

/** Under the names that every Prometheus client library uses. */
function describeProcess(startedAt: number): Metric[] {
    const { user, system } = process.cpuUsage();
    return [
        counter("process_cpu_seconds_total", "User and system CPU time.", (user + system) / 1e6),
        gauge("process_resident_memory_bytes", "Resident memory.", process.memoryUsage.rss()),
        gauge("process_start_time_seconds", "When the API was started.", startedAt),
    ];
}
