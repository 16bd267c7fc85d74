/**
 * A chart over time. uPlot draws it, the legend has the values under the cursor (which all charts share), and a table
 * below has the same numbers for those who do not see or point.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { formatAxisTime, formatClock, orDash } from "../format.ts";
import { type Column, Table } from "../parts/table.tsx";
import { shownTheme, zone } from "../settings.ts";
import { stack, type Values } from "./steps.ts";

export interface Series {
    name: string;
    /** In a sentence, for the legend. */
    meaning?: string | undefined;
    /** A custom property of the style sheet. */
    color: string;
    values: Values;
}

export interface Chart {
    title: string;
    /** For screen readers. */
    summary: string;
    times: number[];
    series: Series[];
    kind: "lines" | "bars" | "steps";
    /** Seconds since 1970. */
    from: number;
    to: number;
    format: (value: number) => string;
    /** A line to compare values with. */
    mark?: { value: number; label: string };
    /** The scale's top is at least this. */
    least?: number;
    /** Shown when there is nothing to draw. */
    empty: string;
}

const chartHeight = 168;

/** Draws again when it gets another `chart`. */
export function TimeChart({ chart }: { chart: Chart }) {
    const { title, summary, series, format, mark, empty } = chart;
    const [cursorIndex, setCursorIndex] = useState<number | null>(null);
    const host = usePlot(chart, setCursorIndex);
    const hasData = series.some(({ values }) => values.some((value) => value !== null && value !== 0));
    return (
        <figure class="chart">
            <figcaption>
                <h3>{title}</h3>
                <ul class="legend">
                    {series.map(({ name, meaning, color, values }) => (
                        <li key={name} title={meaning}>
                            <span class="swatch" style={{ background: `var(${color})` }} aria-hidden="true" />
                            {name} <b>{formatAt(values, cursorIndex, format)}</b>
                        </li>
                    ))}
                    {mark && (
                        <li>
                            <span class="swatch line" aria-hidden="true" />
                            {mark.label}{" "}
                            <b>
                                {format(mark.value)}
                                {isOffScale(series, mark.value) && " ↑"}
                            </b>
                        </li>
                    )}
                </ul>
            </figcaption>
            <div class="plot" role="img" aria-label={summary}>
                <div ref={host} />
                {!hasData && <p class="plot-empty">{empty}</p>}
            </div>
            <ChartTable chart={chart} />
        </figure>
    );
}

/** Under the cursor, else the newest known. */
function formatAt(values: Values, index: number | null, format: Chart["format"]): string {
    return orDash(index === null ? values.findLast((value) => value !== null) : values[index], format);
}

function ChartTable({ chart: { title, times, series, format } }: { chart: Chart }) {
    const [isOpen, setOpen] = useState(false);
    const rows = times.map((_, index) => index).reverse();
    const columns: Column<number>[] = [
        { head: "Time", isRowHead: true, cell: (index) => formatClock(times[index]! * 1000) },
        ...series.map(({ name, values }) => ({
            head: name,
            class: "number",
            cell: (index: number) => formatAt(values, index, format),
        })),
    ];
    return (
        <details class="behind" onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary>
                Table<span class="unseen"> of {title}</span>
            </summary>
            {isOpen && (
                <Table
                    isCompact
                    label={`${title}, as a table`}
                    columns={columns}
                    rows={rows}
                    keyOf={(index) => times[index]!}
                />
            )}
        </details>
    );
}

function usePlot(chart: Chart, onCursor: (index: number | null) => void) {
    const host = useRef<HTMLDivElement>(null);
    const latest = useRef(chart);
    latest.current = chart;
    const plot = useRef<uPlot | null>(null);
    const shape = `${chart.kind} ${chart.series.map(({ name }) => name).join(" ")}`;
    useEffect(() => {
        const element = host.current!;
        const made = new uPlot(plotOptions(latest, element.clientWidth, onCursor), toData(latest.current), element);
        plot.current = made;
        const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: chartHeight }));
        observer.observe(element);
        return () => {
            observer.disconnect();
            made.destroy();
            plot.current = null;
        };
    }, [shape]);
    useEffect(() => plot.current?.setData(toData(chart)), [chart]);
    useEffect(() => plot.current?.redraw(false), [shownTheme.value, zone.value]);
    return host;
}

type Latest = { current: Chart };

/** Bars and steps are stacked, the last series on top: it is drawn first, so that those below stand before it. */
function toData({ kind, times, series }: Chart): uPlot.AlignedData {
    const values = series.map((one) => one.values);
    return [times, ...(kind === "lines" ? values : stack(values).reverse())] as uPlot.AlignedData;
}

function plotOptions(latest: Latest, width: number, onCursor: (index: number | null) => void): uPlot.Options {
    const { kind, series } = latest.current;
    const drawn = kind === "lines" ? series : series.toReversed();
    return {
        width,
        height: chartHeight,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: {
            sync: { key: "flow", scales: ["x", null] },
            drag: { setScale: false, x: false, y: false },
            points: { show: kind === "lines" },
            y: false,
        },
        scales: {
            x: { time: true, range: () => [latest.current.from, latest.current.to] },
            y: { range: (_, __, most) => [0, niceTop(most, latest.current)] },
        },
        axes: [timeAxis(latest), valueAxis(latest)],
        series: [{}, ...drawn.map((one) => drawSeries(kind, one))],
        hooks: {
            setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)],
            drawAxes: [(chart) => drawMark(chart, latest.current.mark)],
        },
    };
}

/** A mark this many times above everything else would press the rest flat: the legend says instead that it is above. */
const flatFrom = 8;

function isOffScale(series: Series[], mark: number): boolean {
    const tops = stack(series.map(({ values }) => values)).at(-1) ?? [];
    return Math.max(0, ...tops.map((top) => top ?? 0)) * flatFrom <= mark;
}

function niceTop(most: number | null, { mark, least = 1 }: Chart): number {
    const markTop = mark && (most ?? 0) * flatFrom > mark.value ? mark.value : 0;
    return Math.max(most ?? 0, markTop, least) * 1.12;
}

function drawSeries(kind: Chart["kind"], { color }: Series): uPlot.Series {
    const paint =
        (alpha = "") =>
        () =>
            `${cssColor(color)}${alpha}`;
    const common = { spanGaps: false, points: { show: false }, stroke: paint(), width: 1.5 };
    switch (kind) {
        case "lines":
            return color === "--accent" ? { ...common, fill: paint("14") } : common;
        case "steps":
            return { ...common, fill: paint("1f"), paths: uPlot.paths.stepped!({ align: 1 }) };
        case "bars":
            return { ...common, fill: paint(), width: 0, paths: uPlot.paths.bars!({ size: [0.72, 64, 1] }) };
    }
}

const axis: uPlot.Axis = {
    stroke: () => cssColor("--muted"),
    font: '11px "Inter", system-ui, sans-serif',
    gap: 6,
    ticks: { show: false },
};

function timeAxis(latest: Latest): uPlot.Axis {
    return {
        ...axis,
        size: 26,
        space: 72,
        grid: { show: false },
        values: (_, splits) => splits.map((at) => formatAxisTime(at, latest.current.to - latest.current.from)),
    };
}

function valueAxis(latest: Latest): uPlot.Axis {
    return {
        ...axis,
        size: 52,
        space: 40,
        grid: { stroke: () => cssColor("--line"), width: 1 },
        values: (_, splits) => splits.map((value) => latest.current.format(value)),
    };
}

function drawMark(chart: uPlot, mark: Chart["mark"]): void {
    if (!mark || mark.value > (chart.scales.y?.max ?? 0)) return;
    const y = Math.round(chart.valToPos(mark.value, "y", true));
    const { left, width } = chart.bbox;
    const { ctx } = chart;
    ctx.save();
    ctx.strokeStyle = cssColor("--muted");
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.restore();
}

function cssColor(property: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
