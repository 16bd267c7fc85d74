/** How the page writes instants, rates and amounts. */
import { computed } from "@preact/signals";
import { formatNumber } from "../../terminal/format.ts";
import { type Zone, zone } from "./settings.ts";

const dash = "–";

/** A dash for what is not known, and for NaN. */
export function orDash(value: number | null | undefined, format: (value: number) => string): string {
    return Number.isFinite(value) ? format(value!) : dash;
}

/** 0.4 → `0.4`, 12.34 → `12`, 1234 → `1,234`. */
export function formatRate(perSecond: number): string {
    return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : formatNumber(Math.round(perSecond));
}

/** For axes: 1200000 → `1.2M`. */
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
export function formatShort(value: number): string {
    return short.format(value);
}

const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
/** As text with two decimals, it is grouped without passing through a binary fraction. */
export function formatMoney(amount: string | null | undefined): string {
    const match = /^(-?\d+)\.(\d{2})$/.exec(amount ?? "");
    if (!match) return dash;
    return match[1]!.length > 15 ? amount! : money.format(Number(amount));
}

/** `07:29:31`, with the day before it when it is another than `nowMs`'s. */
export function formatClock(instant: string | number | null | undefined, nowMs = Date.now()): string {
    if (instant === null || instant === undefined) return dash;
    const at = new Date(instant);
    if (Number.isNaN(at.getTime())) return dash;
    const { time, day } = formats.value;
    return day.format(at) === day.format(nowMs) ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
}

/** For an axis over so many seconds: with seconds where steps are shorter than a minute, days where they are hours. */
export function formatAxisTime(seconds: number, spanSeconds: number): string {
    const { time, hourAndMinute, day } = formats.value;
    const format = spanSeconds < 600 ? time : spanSeconds > 2 * 86_400 ? day : hourAndMinute;
    return format.format(seconds * 1000);
}

/** Whole seconds up: `0 s ago`, `42 s ago`, `3 min ago`, `2 h ago`, `4 d ago`. */
export function formatAgo(instant: string | null | undefined, nowMs: number): string {
    if (!instant) return dash;
    const seconds = Math.max(0, Math.floor((nowMs - Date.parse(instant)) / 1000));
    if (seconds < 60) return `${seconds} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86_400)} d ago`;
}

/** `event_id_missing` → `event id missing`. */
export function formatCode(code: string): string {
    return code.replaceAll("_", " ");
}

export function zoneName(chosen: Zone): string {
    return chosen === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Kept, because making them costs more than using them. */
const formats = computed(() => {
    const zoned = zone.value === "utc" ? { timeZone: "UTC" } : {};
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    return {
        time: new Intl.DateTimeFormat("en-GB", { ...zoned, ...clock, second: "2-digit" }),
        hourAndMinute: new Intl.DateTimeFormat("en-GB", { ...zoned, ...clock }),
        day: new Intl.DateTimeFormat("sv-SE", { ...zoned, year: "numeric", month: "2-digit", day: "2-digit" }),
    };
});
