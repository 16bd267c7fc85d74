/** The last minutes of a number. Decoration: the number itself stands beside it in words. */
import type { Values } from "../charts/steps.ts";

const width = 120;
const height = 28;

/** The scale's top is at least `least`. */
export function Sparkline({ values, least = 0 }: { values: Values; least?: number }) {
    const top = Math.max(least, ...values.map((value) => value ?? 0)) || 1;
    const x = (index: number) => (values.length < 2 ? 0 : (index * width) / (values.length - 1)).toFixed(1);
    const y = (value: number) => (height - 1 - (value / top) * (height - 3)).toFixed(1);
    let line = "";
    let area = "";
    values.forEach((value, index) => {
        if (value === null) return;
        const isFirst = (values[index - 1] ?? null) === null;
        const isLast = (values[index + 1] ?? null) === null;
        // A lone value between gaps is drawn as a short line.
        const end = isFirst && isLast ? "h0.6" : "";
        line += `${isFirst ? "M" : "L"}${x(index)} ${y(value)}${end}`;
        area += `${isFirst ? `M${x(index)} ${height}` : ""}L${x(index)} ${y(value)}${end}${isLast ? `V${height}Z` : ""}`;
    });
    return (
        <svg
            class="spark"
            viewBox={`0 0 ${width} ${height}`}
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            <path class="spark-area" d={area} />
            <path class="spark-line" d={line} />
        </svg>
    );
}
