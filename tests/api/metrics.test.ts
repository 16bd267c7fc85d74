import { beforeAll, expect, test } from "bun:test";
import { formatMetrics } from "../../src/server/api/metrics/exposition.ts";
import { useApi } from "./api-fixture.ts";
import { parseExposition } from "./parse-exposition.ts";
import { insertBatch, insertFile, insertWorker } from "./seed-ledger.ts";

const api = useApi(import.meta.path);

beforeAll(async () => {
    await insertBatch(api.sql, { inserted: 5, duplicate: 2, conflict: 1, rejected: 3 });
    await insertFile(api.sql, 'odd "name"\n.csv', "failed");
    const retriedId = await insertFile(api.sql, "retried.csv", "failed");
    await api.sql`update ingest.files set next_attempt_at = now() where file_id = ${retriedId}`;
    await insertWorker(api.sql, { retries: { count: 3, lastReason: "53100", lastSecondsAgo: 1 } });
    await insertWorker(api.sql, { retries: { count: 9, lastReason: "no\nword", lastSecondsAgo: 1 } });
    await insertWorker(api.sql, { retries: { count: 9, lastReason: "53100", lastSecondsAgo: 9_999 } });
    const listing = { name: "s3://drops/in", keys: 3, secondsAgo: 12, seconds: 1.5 };
    await insertWorker(api.sql, { retries: null, listing: { ...listing, secondsAgo: 40 } });
    await insertWorker(api.sql, { listing });
    await api.sql`insert into ingest.event_stats values ('total', '1970-01-01Z', 'purchase', 5, 7, 12.5)`;
});

test("follows the exposition format and the naming conventions", async () => {
    await api.get("/v1/events");
    const { body, headers } = await api.get("/metrics");
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const { samples, types, helps } = parseExposition(body);
    const seen = new Set<string>();
    for (const { name, labels, value } of samples) {
        const family = types.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, "");
        expect([name, types.has(family), helps.has(family)]).toEqual([name, true, true]);
        const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
        expect(seen.has(key)).toBe(false);
        seen.add(key);
        expect(Number.isFinite(value)).toBe(true);
    }
    for (const [name, type] of types) {
        expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
        expect(name).not.toMatch(/milli|_ms(_|$)|kilo|mega|minutes|hours|percent/);
        expect(name).toMatch(/^(sluice|process)_[a-z_]+$/);
    }
});

test("shows the ledger's facts, and no label that grows with the data", async () => {
    const { samples } = parseExposition((await api.get("/metrics")).body);
    const value = (name: string, labels: Record<string, string> = {}) =>
        samples.find((sample) => sample.name === name && Bun.deepEquals(sample.labels, labels))?.value;
    const stream = "events";
    expect(value("sluice_database_up")).toBe(1);
    expect(value("sluice_records_read_total", { stream })).toBe(11);
    expect(value("sluice_records_total", { stream, outcome: "inserted" })).toBe(5);
    expect(value("sluice_records_total", { stream, outcome: "rejected" })).toBe(3);
    expect(value("sluice_batches_total", { stream })).toBe(1);
    expect(value("sluice_events_total", { event_type: "purchase" })).toBe(5);
    expect(value("sluice_revenue_total", { event_type: "purchase" })).toBe(12.5);
    expect(value("sluice_files", { stream, state: "failed" })).toBe(2);
    expect(value("sluice_files_given_up")).toBe(1);
    expect(value("sluice_state", { state: "failing" })).toBe(1);
    expect(samples.filter(({ name, value }) => name === "sluice_state" && value === 1)).toHaveLength(1);
    expect(value("sluice_workers", { stream })).toBe(5);
    // By code; a wording makes no series, and what was a while ago is over.
    expect(samples.filter(({ name }) => name === "sluice_workers_retrying")).toEqual([
        { name: "sluice_workers_retrying", labels: { reason: "53100" }, value: 1 },
        { name: "sluice_workers_retrying", labels: { reason: "other" }, value: 1 },
    ]);
    // The latest of what the stream's workers have listed.
    expect(value("sluice_bucket_listing_age_seconds", { stream })).toBe(12);
    expect(value("sluice_bucket_listing_duration_seconds", { stream })).toBe(1.5);
    expect(value("sluice_database_size_bytes")).toBeGreaterThan(1e6);
    expect(value("sluice_last_batch_lag_seconds")).toBeGreaterThanOrEqual(2);
    const labelNames = new Set(samples.flatMap(({ labels }) => Object.keys(labels)));
    expect([...labelNames].sort()).toEqual([
        "event_type",
        "le",
        "method",
        "outcome",
        "reason",
        "route",
        "state",
        "status",
        "stream",
    ]);
});

test("by stream: every sample names one, and their sum counts each record once", async () => {
    await api.sql`select ingest.add_stream(1::smallint, 'orders', 'public.orders', 'insert')`;
    await api.sql`
        insert into ingest.totals (stream_id, kind, batches, read, inserted, duplicate, conflict, rejected, displaced)
        values (1, 'merge', 2, 30, 25, 2, 0, 3, 0)`;
    await api.sql`update ingest.streams set problem = 'table_missing', problem_detail = 'Make it.' where stream_id = 1`;
    const { samples } = parseExposition((await api.get("/metrics")).body);
    const of = (name: string, labels: Record<string, string>) =>
        samples.filter(
            (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
        );
    const sum = (name: string, labels: Record<string, string> = {}) =>
        of(name, labels).reduce((total, { value }) => total + value, 0);

    expect(sum("sluice_records_read_total")).toBe(41);
    expect(sum("sluice_records_total")).toBe(41);
    expect(sum("sluice_records_total", { stream: "orders" })).toBe(30);
    expect(sum("sluice_batches_total", { stream: "orders" })).toBe(2);
    expect(of("sluice_stream_state", { stream: "orders", state: "blocked" })).toMatchObject([{ value: 1 }]);
    expect(sum("sluice_stream_state")).toBe(2);
    const byStream = samples.filter(({ labels }) => "stream" in labels).map(({ name }) => name);
    expect(samples.filter(({ name, labels }) => byStream.includes(name) && !("stream" in labels))).toEqual([]);
    await api.sql`delete from ingest.totals where stream_id = 1`;
    await api.sql`update ingest.streams set is_active = false where stream_id = 1`;
});

test("counts requests by route, not by address: whoever invents addresses adds no series", async () => {
    for (let number = 1; number <= 20; number++) {
        await api.get(`/v1/batches/${number}`);
        await api.get(`/no/such/${number}`);
    }
    await api.app.request("/v1/events", { method: "BREW" });
    const { samples } = parseExposition((await api.get("/metrics")).body);
    const routes = new Set(
        samples.filter(({ name }) => name === "sluice_http_requests_total").map(({ labels }) => labels.route),
    );
    expect([...routes].sort()).toEqual(["/metrics", "/openapi.json", "/v1/batches/:id", "/v1/events", "unmatched"]);
    const buckets = samples.filter(
        ({ name, labels }) => name.endsWith("_duration_seconds_bucket") && labels.route === "/v1/batches/:id",
    );
    const values = buckets.map((bucket) => bucket.value);
    expect(values).toEqual(values.toSorted((left, right) => left - right));
    expect(buckets.at(-1)).toMatchObject({ labels: { le: "+Inf" }, value: 20 });
});

test("escapes what a label or a help text may hold", () => {
    const text = formatMetrics([
        { name: "m", type: "gauge", help: "a\\b\nc", samples: [{ labels: { l: 'q"\\\n' }, value: 1 }] },
        { name: "empty", type: "gauge", help: "", samples: [] },
    ]);
    expect(text).toBe('# HELP m a\\\\b\\nc\n# TYPE m gauge\nm{l="q\\"\\\\\\n"} 1\n');
});
