/** The last minutes of a number. Decoration: the number itself stands beside it in words. */
import type { Values } from "../charts/steps.ts";

const width = 120;
const height = 28;

export function Sparkline({
    values,
    least = 0,
}: {
    values: Values /** The scale's top is at least this. */;
    least?: number;
}) {
    const top = Math.max(least, ...values.map((value) => value ?? 0)) || 1;
    const x = (index: number) => (values.length < 2 ? 0 : (index * width) / (values.length - 1));
    const y = (value: number) => height - 1 - (value / top) * (height - 3);
    const runs = splitAtGaps(values);
    const line = runs.map((run) =>
        run.map(([index, value], at) => `${at === 0 ? "M" : "L"}${point(x(index), y(value))}`).join(""),
    );
    const area = runs.map(
        (run, at) => `${line[at]}L${point(x(run.at(-1)![0]), height)}L${point(x(run[0]![0]), height)}Z`,
    );
    return (
        <svg
            class="spark"
            viewBox={`0 0 ${width} ${height}`}
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            <path class="spark-area" d={area.join("")} />
            <path class="spark-line" d={line.join("")} />
        </svg>
    );
}

function point(x: number, y: number): string {
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

/** A lone value between gaps is drawn as a short line. */
function splitAtGaps(values: Values): [number, number][][] {
    const runs: [number, number][][] = [];
    let run: [number, number][] = [];
    values.forEach((value, index) => {
        if (value === null) {
            if (run.length > 0) runs.push(run);
            run = [];
        } else run.push([index, value]);
    });
    if (run.length > 0) runs.push(run);
    return runs.map((points) => (points.length === 1 ? [points[0]!, [points[0]![0] + 0.6, points[0]![1]]] : points));
}
