/** The plots of docs/performance_metrics.md, as SVG texts by file name. */
import type { RunnerReport, ScenarioReport } from "../report.ts";
import type { Figures, PaceReport } from "./figures.ts";
import { bar, dot, legend, line, path, type SeriesClass, svg, text } from "./svg.ts";

const width = 760;
const left = 190;
const right = width - 60;
const rowHeight = 34;

export function drawPlots({ scenarios, paces }: Figures): Record<string, string> {
    return {
        "ratios.svg": drawRatios(scenarios),
        "cpu.svg": drawCpu(scenarios),
        "freshness.svg": drawFreshness(paces),
        "backlog.svg": drawBacklog(paces.filter(({ plan }) => plan.recordsPerSecond >= 20_000)),
    };
}

/** A bar a scenario, with its spread; a dot where COPY over all cores is. */
function drawRatios(scenarios: ScenarioReport[]): string {
    const rows = scenarios.filter(({ runners }) => runners.sluice?.toCopy);
    const most = Math.max(1, ...rows.map(({ runners }) => runners.sluice!.toCopy!.max)) * 1.1;
    const x = (ratio: number) => left + ((right - left) * ratio) / most;
    const height = 70 + rows.length * rowHeight + 20;
    const parts = rows.flatMap(({ scenario, runners }, index) => {
        const y = 62 + index * rowHeight;
        const { median, min, max } = runners.sluice!.toCopy!;
        const all = runners["copy-all"]?.toCopy?.median;
        return [
            text(left - 10, y + 15, scenario.name, { anchor: "end" }),
            bar(left, y, x(median) - left, 22, "a"),
            line(x(min), y + 11, x(max), y + 11, "mark"),
            ...(all === undefined ? [] : [dot(x(all), y + 11, "d")]),
            text(x(max) + 8, y + 15, median.toFixed(2), { className: "muted" }),
        ];
    });
    return svg(width, height, "Time relative to a COPY of the same rows that checks nothing (1 connection = 1)", [
        ...legend(46, ["Sluice, median and spread"]),
        dot(230, 41, "d"),
        text(240, 46, "COPY over all cores", { className: "muted" }),
        ...parts,
        line(x(1), 54, x(1), height - 12, "mark"),
    ]);
}

/** Three bars a scenario, in CPU seconds per million records: who used them. */
function drawCpu(scenarios: ScenarioReport[]): string {
    const rows = scenarios
        .filter(({ runners }) => runners.sluice && runners["copy-1"])
        .flatMap(({ scenario, input, runners }) =>
            (["copy-1", "sluice"] as const).map((name, index) => ({
                label: index === 0 ? `${scenario.name}: COPY` : "Sluice",
                shares: sharesOf(runners[name]!).map((seconds) => (seconds * 1e6) / input.records),
            })),
        );
    const most = Math.max(1, ...rows.map(({ shares }) => shares.reduce((sum, share) => sum + share, 0))) * 1.08;
    const scale = (right - left) / most;
    const parts = rows.flatMap(({ label, shares }, index) => {
        const y = 60 + index * 24 + Math.floor(index / 2) * 10;
        let x = left;
        const bars = shares.map((share, place) => {
            const part = bar(x, y, share * scale, 18, (["a", "b", "c", "d"] as const)[place]!);
            x += share * scale;
            return part;
        });
        const total = shares.reduce((sum, share) => sum + share, 0);
        return [
            text(left - 10, y + 13, label, { anchor: "end" }),
            ...bars,
            text(x + 8, y + 13, total.toFixed(1), { className: "muted" }),
        ];
    });
    const height = 76 + rows.length * 24 + Math.floor(rows.length / 2) * 10;
    return svg(width, height, "CPU seconds per million records, by who used them", [
        ...legend(44, [
            "merge, or COPY into events",
            "COPY into staging",
            "the client's process",
            "server's own processes",
        ]),
        ...parts,
    ]);
}

function sharesOf({ insertSeconds, copySeconds, processSeconds, serverSeconds }: RunnerReport): number[] {
    return [insertSeconds ?? 0, copySeconds ?? 0, processSeconds, serverSeconds ?? 0];
}

const percentiles = ["p50", "p95", "p99", "max"] as const;
const dotClasses: readonly SeriesClass[] = ["a", "b", "c", "d"];

/** A line a run, on a logarithmic scale. */
function drawFreshness(paces: PaceReport[]): string {
    const low = 10;
    const high = 10_000;
    const x = (ms: number) =>
        left + ((right - left) * (Math.log10(ms) - Math.log10(low))) / (Math.log10(high) - Math.log10(low));
    const height = 76 + paces.length * rowHeight + 24;
    const bottom = height - 26;
    const grid = [10, 100, 1000, 10_000].flatMap((ms) => [
        line(x(ms), 56, x(ms), bottom, "line"),
        text(x(ms), bottom + 16, ms < 1000 ? `${ms} ms` : `${ms / 1000} s`, { className: "muted", anchor: "middle" }),
    ]);
    const parts = paces.flatMap(({ plan, freshnessMs, api }, index) => {
        const y = 76 + index * rowHeight;
        const name = `${plan.recordsPerSecond.toLocaleString("en-US")}/s, ${plan.trigger}${api.length > 0 ? ", API" : ""}`;
        return [
            text(left - 10, y + 4, name, { anchor: "end" }),
            line(x(freshnessMs.p50), y, x(freshnessMs.max), y, "line"),
            ...percentiles.map((percentile, place) => dot(x(freshnessMs[percentile]), y, dotClasses[place]!)),
        ];
    });
    return svg(width, height, "From a file's rename until another connection sees all of its rows", [
        ...legend(44, ["p50", "p95", "p99", "max"]),
        ...grid,
        ...parts,
    ]);
}

function drawBacklog(paces: PaceReport[]): string {
    const shown = paces.slice(0, 2);
    const mostRecords = Math.max(1, ...shown.flatMap(({ backlog }) => backlog.map(({ records }) => records))) * 1.1;
    const mostSeconds = Math.max(1, ...shown.flatMap(({ backlog }) => backlog.map(({ atSeconds }) => atSeconds)));
    const [top, bottom, start] = [60, 240, 90];
    const place = ({ atSeconds, records }: { atSeconds: number; records: number }): [number, number] => [
        start + ((right - start) * atSeconds) / mostSeconds,
        bottom - ((bottom - top) * records) / mostRecords,
    ];
    const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
        const y = bottom - (bottom - top) * share;
        const label = Math.round(mostRecords * share).toLocaleString("en-US");
        return [line(start, y, right, y, "line"), text(start - 8, y + 4, label, { className: "muted", anchor: "end" })];
    });
    const names = shown.map(
        ({ plan, api }) => `--trigger ${plan.trigger}${api.length > 0 ? ", with the API's clients" : ""}`,
    );
    return svg(width, bottom + 34, "Records in the folder and not yet visible, at 20,000 records/s", [
        ...names.flatMap((name, index) => [
            bar(16 + index * 240, 34, 10, 10, index === 0 ? "a" : "d"),
            text(31 + index * 240, 44, name, { className: "muted" }),
        ]),
        ...grid,
        ...shown.map(({ backlog }, index) => path(backlog.map(place), index === 0 ? "a" : "b")),
        text(right, bottom + 20, `${Math.round(mostSeconds)} s`, { className: "muted", anchor: "end" }),
    ]);
}
