/** `GET /metrics` for Prometheus. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../api.ts";
import { sharedForMs } from "../api.ts";
import { Problem } from "../problem.ts";
import { readStats } from "../stats/read-stats.ts";
import { counter, describeFacts, gauge } from "./describe-facts.ts";
import { formatMetrics, type Metric } from "./exposition.ts";
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
                "When the database is away, `sluice_database_up` is 0 and the facts of the ledger are absent, not old.",
            content: { "text/plain": { schema: z.string() } },
        },
    },
});

interface OwnMetrics {
    httpMetrics: HttpMetrics;
    streamViewers: () => number;
}

export function addMetricsRoutes(app: Api, context: Context, { httpMetrics, streamViewers }: OwnMetrics): void {
    const startedAt = context.now().getTime() / 1000;
    app.openapi(getMetrics, async (c) => {
        const facts = await readFacts(context);
        const metrics = [
            gauge("sluice_database_up", "Whether the database answered this scrape.", [{ value: facts ? 1 : 0 }]),
            ...(facts ?? []),
            ...httpMetrics.collect(),
            gauge("sluice_stream_viewers", "Open live streams.", [{ value: streamViewers() }]),
            ...describeProcess(startedAt),
        ];
        return c.text(formatMetrics(metrics), 200, { "content-type": contentType });
    });
}

/** Undefined when the database is away: a scrape that fails as a whole would hide why. */
async function readFacts({ reader, status: statusReader }: Context): Promise<Metric[] | undefined> {
    try {
        const [status, stats, storage] = await Promise.all([
            statusReader.read(),
            reader.share("stats null", sharedForMs.live, (db) => readStats(db)),
            reader.share("storage", storageSharedForMs, (db) => readStorage(db)),
        ]);
        return describeFacts(status, stats, storage);
    } catch (error) {
        if (error instanceof Problem) return undefined;
        throw error;
    }
}

/** Under the names that every Prometheus client library uses. */
function describeProcess(startedAt: number): Metric[] {
    const { user, system } = process.cpuUsage();
    return [
        counter("process_cpu_seconds_total", "User and system CPU time.", [{ value: (user + system) / 1e6 }]),
        gauge("process_resident_memory_bytes", "Resident memory.", [{ value: process.memoryUsage.rss() }]),
        gauge("process_start_time_seconds", "When the API was started.", [{ value: startedAt }]),
    ];
}
