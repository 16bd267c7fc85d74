/**
 * A chart over time: uPlot draws, the legend tells the values under the cursor (that all charts share), and the same
 * numbers stand in a table behind it for whoever does not see or point.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { dash, formatAxisTime, formatClock } from "../format.ts";
import { isNumber } from "../is-number.ts";
import { Scroll } from "../parts/scroll.tsx";
import { shownTheme, zone } from "../settings.ts";
import { stack, type Values } from "./steps.ts";

export interface Series {
    name: string;
    /** A custom property of the style sheet. */
    color: string;
    values: Values;
}

interface TimeChartProps {
    title: string;
    /** For screen readers: what is to be seen. */
    summary: string;
    times: number[];
    series: Series[];
    kind: "lines" | "bars" | "steps";
    /** Seconds since 1970. */
    from: number;
    to: number;
    format: (value: number) => string;
    /** A line that values are held against. */
    mark?: { value: number; label: string } | null;
    /** The scale's top is at least this. */
    least?: number;
    /** What is said when there is nothing to draw. */
    empty: string;
}

const chartHeight = 168;

export function TimeChart(props: TimeChartProps) {
    const { title, summary, times, series, format, mark, empty } = props;
    const [cursorIndex, setCursorIndex] = useState<number | null>(null);
    const host = useChart(props, setCursorIndex);
    const hasData = series.some(({ values }) => values.some((value) => value !== null && value !== 0));
    return (
        <figure class="chart">
            <figcaption>
                <h3>{title}</h3>
                <ul class="legend">
                    {series.map(({ name, color, values }) => (
                        <li key={name}>
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
            <ChartTable title={title} times={times} series={series} format={format} />
        </figure>
    );
}

/** Under the cursor, else the newest known. */
function formatAt(values: Values, index: number | null, format: (value: number) => string): string {
    const value = index === null ? values.findLast(isNumber) : values[index];
    return isNumber(value) ? format(value) : dash;
}

function ChartTable({ title, times, series, format }: Pick<TimeChartProps, "title" | "times" | "series" | "format">) {
    const [isOpen, setOpen] = useState(false);
    return (
        <details class="behind" onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary>
                Table<span class="unseen"> of {title}</span>
            </summary>
            {isOpen && (
                <Scroll label={`${title}, as a table`}>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">Time</th>
                                {series.map(({ name }) => (
                                    <th key={name} scope="col" class="number">
                                        {name}
                                    </th>
                                ))}
                            </tr>
                        </thead>
                        <tbody>
                            {times
                                .map((time, index) => (
                                    <tr key={time}>
                                        <th scope="row">{formatClock(time * 1000)}</th>
                                        {series.map(({ name, values }) => (
                                            <td key={name} class="number">
                                                {formatAt(values, index, format)}
                                            </td>
                                        ))}
                                    </tr>
                                ))
                                .reverse()}
                        </tbody>
                    </table>
                </Scroll>
            )}
        </details>
    );
}

function useChart(props: TimeChartProps, onCursor: (index: number | null) => void) {
    const host = useRef<HTMLDivElement>(null);
    const latest = useRef(props);
    latest.current = props;
    const plot = useRef<uPlot | null>(null);
    const shape = `${props.kind} ${props.series.map(({ name }) => name).join(" ")}`;
    useEffect(() => {
        const element = host.current!;
        const made = new uPlot(chartOptions(latest, element.clientWidth, onCursor), toData(latest.current), element);
        plot.current = made;
        const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: chartHeight }));
        observer.observe(element);
        return () => {
            observer.disconnect();
            made.destroy();
            plot.current = null;
        };
    }, [shape]);
    useEffect(() => {
        plot.current?.setData(toData(latest.current));
    }, [props.times, props.series, props.from, props.to, props.mark?.value]);
    useEffect(() => plot.current?.redraw(false), [shownTheme.value, zone.value]);
    return host;
}

type Latest = { current: TimeChartProps };

/** Bars and steps are stacked, the last series on top: it is drawn first, so that those below stand before it. */
function toData({ kind, times, series }: TimeChartProps): uPlot.AlignedData {
    const values = series.map((one) => one.values);
    return [times, ...(kind === "lines" ? values : stack(values).reverse())] as uPlot.AlignedData;
}

function chartOptions(latest: Latest, width: number, onCursor: (index: number | null) => void): uPlot.Options {
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
            drawAxes: [(chart) => drawMark(chart, latest.current.mark ?? null)],
        },
    };
}

/** A line this many times above everything else would press the rest flat: the legend then says that it is up there. */
const flatFrom = 8;

function isOffScale(series: Series[], mark: number): boolean {
    const tops = stack(series.map(({ values }) => values)).at(-1) ?? [];
    return Math.max(0, ...tops.map((top) => top ?? 0)) * flatFrom <= mark;
}

function niceTop(most: number | null, { mark, least = 1 }: TimeChartProps): number {
    const markTop = mark && (most ?? 0) * flatFrom > mark.value ? mark.value : 0;
    return Math.max(most ?? 0, markTop, least) * 1.12;
}

function drawSeries(kind: TimeChartProps["kind"], { color }: Series): uPlot.Series {
    const paint = () => cssColor(color);
    const common = { spanGaps: false, points: { show: false } };
    if (kind === "lines") {
        const fill = color === "--accent" ? { fill: () => `${cssColor(color)}14` } : {};
        return { ...common, ...fill, stroke: paint, width: 1.5 };
    }
    if (kind === "steps") {
        return {
            ...common,
            stroke: paint,
            width: 1.5,
            fill: () => `${cssColor(color)}1f`,
            paths: uPlot.paths.stepped!({ align: 1 }),
        };
    }
    return { ...common, fill: paint, stroke: paint, width: 0, paths: uPlot.paths.bars!({ size: [0.72, 64, 1] }) };
}

const axisFont = '11px "Inter", system-ui, sans-serif';

function timeAxis(latest: Latest): uPlot.Axis {
    return {
        stroke: () => cssColor("--muted"),
        font: axisFont,
        size: 26,
        gap: 6,
        space: 72,
        grid: { show: false },
        ticks: { show: false },
        values: (_, splits) => splits.map((at) => formatAxisTime(at, latest.current.to - latest.current.from < 600)),
    };
}

function valueAxis(latest: Latest): uPlot.Axis {
    return {
        stroke: () => cssColor("--muted"),
        font: axisFont,
        size: 52,
        gap: 6,
        space: 40,
        grid: { stroke: () => cssColor("--line"), width: 1 },
        ticks: { show: false },
        values: (_, splits) => splits.map((value) => latest.current.format(value)),
    };
}

function drawMark(chart: uPlot, mark: { value: number } | null): void {
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
