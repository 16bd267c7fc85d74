/** How the page writes instants, rates and shares. Whatever is not a number is a dash. */
import { formatNumber } from "../../terminal/format.ts";
import { isNumber } from "./is-number.ts";
import { type Zone, zone } from "./settings.ts";

export const dash = "–";

export function formatCountOrDash(value: number | null | undefined): string {
    return isNumber(value) ? formatNumber(value) : dash;
}

/** 0.4 → `0.4`, 12.34 → `12`, 1234 → `1,234`. */
export function formatRate(perSecond: number | null | undefined): string {
    if (!isNumber(perSecond)) return dash;
    if (perSecond > 0 && perSecond < 10) return perSecond.toFixed(1);
    return formatNumber(Math.round(perSecond));
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
    const { time, day } = formats(zone.value);
    return day.format(at) === day.format(nowMs) ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
}

/** For an axis: seconds only where steps are shorter than a minute. */
export function formatAxisTime(seconds: number, withSeconds: boolean): string {
    const { time, hourAndMinute } = formats(zone.value);
    return (withSeconds ? time : hourAndMinute).format(seconds * 1000);
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

const cache = new Map<Zone, ReturnType<typeof makeFormats>>();

function formats(chosen: Zone) {
    let made = cache.get(chosen);
    if (!made) {
        made = makeFormats(chosen);
        cache.set(chosen, made);
    }
    return made;
}

function makeFormats(chosen: Zone) {
    const zoned = chosen === "utc" ? { timeZone: "UTC" } : {};
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    return {
        time: new Intl.DateTimeFormat("en-GB", { ...zoned, ...clock, second: "2-digit" }),
        hourAndMinute: new Intl.DateTimeFormat("en-GB", { ...zoned, ...clock }),
        day: new Intl.DateTimeFormat("sv-SE", { ...zoned, year: "numeric", month: "2-digit", day: "2-digit" }),
    };
}
