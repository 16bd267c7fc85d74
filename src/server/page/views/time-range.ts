/** The time range of the address: a preset such as `range=1h`, or `from` and `to`. Pure. */

export const presets = ["5m", "1h", "24h", "7d"] as const;
export type Preset = (typeof presets)[number];

export type TimeRange = { preset: Preset } | { from: string | null; to: string | null } | null;

const presetMs: Record<Preset, number> = { "5m": 300_000, "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000 };

/** Null for none, and for what is no instant: an address may be typed. */
export function parseRange(query: URLSearchParams): TimeRange {
    const preset = presets.find((candidate) => candidate === query.get("range"));
    if (preset !== undefined) return { preset };
    const [from, to] = [instantOf(query.get("from")), instantOf(query.get("to"))];
    return from === null && to === null ? null : { from, to };
}

function instantOf(text: string | null): string | null {
    const ms = text === null ? Number.NaN : Date.parse(text);
    return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** The range as parameters of a list. A preset begins at a whole minute, so that the address stays the same for as long. */
export function listQuery(range: TimeRange, nowMs: number): string {
    if (range === null) return "";
    if ("preset" in range) {
        const from = Math.floor((nowMs - presetMs[range.preset]) / 60_000) * 60_000;
        return `&from=${new Date(from).toISOString()}`;
    }
    return `${range.from === null ? "" : `&from=${range.from}`}${range.to === null ? "" : `&to=${range.to}`}`;
}

/** The same for /v1/flow, which needs a beginning: the last hour when there is none. */
export function flowQuery(range: TimeRange, nowMs: number): string {
    if (range === null || "preset" in range) return `window=${range?.preset ?? "5m"}`;
    const endMs = range.to === null ? nowMs : Math.min(nowMs, Date.parse(range.to));
    return `from=${range.from ?? new Date(endMs - presetMs["1h"]).toISOString()}${range.to === null ? "" : `&to=${range.to}`}`;
}
