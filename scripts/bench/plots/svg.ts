/** Plain SVG, readable on light and on dark ground: colours come from classes, and the reader's system chooses. */
export const seriesClasses = ["a", "b", "c", "d"] as const;
export type SeriesClass = (typeof seriesClasses)[number];

const style = `
text { font: 13px system-ui, sans-serif; fill: #14171c; }
.title { font-weight: 600; font-size: 15px; }
.muted { fill: #5b6371; font-size: 12px; }
.line { stroke: #d3d7de; stroke-width: 1; }
.mark { stroke: #14171c; stroke-width: 1.5; }
.a { fill: #1f5fd0; } .b { fill: #87a9ea; } .c { fill: #98a2b3; } .d { fill: #d08c11; }
.path { fill: none; stroke-width: 1.5; } .path.a { stroke: #1f5fd0; } .path.b { stroke: #d08c11; }
@media (prefers-color-scheme: dark) {
  text { fill: #eceef2; } .muted { fill: #9aa3b2; } .line { stroke: #333945; } .mark { stroke: #eceef2; }
  .a { fill: #6ba1ff; } .b { fill: #355a99; } .c { fill: #6b7482; } .d { fill: #e0a23a; }
  .path.a { stroke: #6ba1ff; } .path.b { stroke: #e0a23a; }
}`;

export function svg(width: number, height: number, title: string, parts: string[]): string {
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
        `<title>${escapeText(title)}</title><style>${style}</style>`,
        text(16, 24, title, { className: "title" }),
        ...parts,
        "</svg>\n",
    ].join("\n");
}

export function text(
    x: number,
    y: number,
    content: string,
    { className = "", anchor = "start" }: { className?: string; anchor?: "start" | "middle" | "end" } = {},
): string {
    return `<text x="${round(x)}" y="${round(y)}" class="${className}" text-anchor="${anchor}">${escapeText(content)}</text>`;
}

export function bar(x: number, y: number, width: number, height: number, className: SeriesClass): string {
    return `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}" height="${height}" class="${className}"/>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, className: "line" | "mark"): string {
    return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${className}"/>`;
}

export function dot(x: number, y: number, className: SeriesClass): string {
    return `<circle cx="${round(x)}" cy="${round(y)}" r="4.5" class="${className}"/>`;
}

export function path(points: [x: number, y: number][], className: SeriesClass): string {
    return `<path d="M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}" class="path ${className}"/>`;
}

/** A row of colour and name. */
export function legend(y: number, names: string[]): string[] {
    let x = 16;
    return names.flatMap((name, index) => {
        const parts = [bar(x, y - 10, 10, 10, seriesClasses[index]!), text(x + 15, y, name, { className: "muted" })];
        x += 34 + name.length * 6.6;
        return parts;
    });
}

function round(value: number): number {
    return Math.round(value * 10) / 10;
}

function escapeText(content: string): string {
    return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
