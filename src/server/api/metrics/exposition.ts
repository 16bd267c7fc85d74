/**
 * The Prometheus text format, https://prometheus.io/docs/instrumenting/exposition_formats/. Pure.
 *
 * Names follow https://prometheus.io/docs/practices/naming/: base units, `_total` for counters, no label whose values
 * grow with the data.
 */
export interface Sample {
    labels?: Record<string, string>;
    value: number;
    /** `_bucket`, `_sum` or `_count` of a histogram. */
    suffix?: string;
}

export interface Metric {
    name: string;
    type: "counter" | "gauge" | "histogram";
    help: string;
    samples: Sample[];
}

export function counter(name: string, help: string, value: number | Sample[]): Metric {
    return { name, type: "counter", help, samples: typeof value === "number" ? [{ value }] : value };
}

/** One that has no value now is left out. */
export function gauge(name: string, help: string, value: number | null | Sample[]): Metric {
    const samples = typeof value === "number" ? [{ value }] : (value ?? []);
    return { name, type: "gauge", help, samples };
}

export function formatMetrics(metrics: readonly Metric[]): string {
    return metrics
        .filter(({ samples }) => samples.length > 0)
        .map(({ name, type, help, samples }) =>
            [
                `# HELP ${name} ${escapeHelp(help)}`,
                `# TYPE ${name} ${type}`,
                ...samples.map(
                    (sample) => `${name}${sample.suffix ?? ""}${formatLabels(sample.labels)} ${sample.value}`,
                ),
            ].join("\n"),
        )
        .map((text) => `${text}\n`)
        .join("");
}

function formatLabels(labels: Record<string, string> = {}): string {
    const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
    return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeHelp(text: string): string {
    return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
    return escapeHelp(text).replaceAll('"', '\\"');
}
