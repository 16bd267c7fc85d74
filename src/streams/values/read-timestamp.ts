/** A declared form of a timestamp → what the rules take: `YYYY-MM-DD HH:MM:SS[.f…]+HH:MM`. Pure. */
import type { TimestampFormat } from "../source-config.ts";
import { createEpochReader, isEpochForm } from "./read-epoch.ts";
import { createFormReader, type LocalTime } from "./timestamp-form.ts";
import { createZone, type Zone } from "./zone.ts";

/** Null for a text of none of the forms, or of no real date. */
type Reader = (text: string) => string | null;

/** ISO 8601 and what is near to it: minutes alone, a comma, an offset behind a space, UTC and GMT by name. */
const iso =
    /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)[Tt ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<decimals>\d+))?)? ?(?<offset>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;

export function createTimestampReader(settings: TimestampFormat): Reader {
    const { zone, offset, format = "iso" } = settings;
    const forms = [format].flat();
    // It is declared what a time without an offset means; left as it is, it would count as UTC.
    if ((zone ?? offset) !== undefined && !forms.includes("iso")) forms.push("iso");
    const epochs = forms.filter(isEpochForm);
    const zones = createZones(settings.fold);
    const readers = forms.map((form): Reader => {
        if (isEpochForm(form)) return withDecimals(createEpochReader(form, epochs.length > 1), settings);
        const read =
            form === "iso" ? (text: string) => iso.exec(text)?.groups ?? null : createFormReader(form, settings);
        return (text) => {
            const groups = read(text);
            return groups && toTimestamp(text, groups, settings, zones);
        };
    });
    return (text) => {
        for (const read of readers) {
            const found = read(text);
            if (found !== null) return found;
        }
        return null;
    };
}

/** Nobody's: it tells a time that says no offset. */
const noOffset = "+15:59";

/**
 * For columns that keep no offset: a local time as it is written, `YYYY-MM-DD HH:MM:SS[.f…]`; that of an epoch is UTC's. A text
 * that says an offset of its own keeps it, and the rules refuse it.
 */
export function createLocalReader({ zone: _, ...settings }: TimestampFormat): Reader {
    const read = createTimestampReader({ ...settings, offset: noOffset });
    return (text) => {
        const found = read(text);
        const end = /^\d+$/.test(text) ? "+00:00" : noOffset;
        return found?.endsWith(end) ? found.slice(0, -end.length) : found;
    };
}

function withDecimals(read: Reader, { decimals }: TimestampFormat): Reader {
    if (decimals !== "truncate") return read;
    return (text) => read(text)?.replace(/(\.\d{6})\d+/, "$1") ?? null;
}

function toTimestamp(
    text: string,
    groups: LocalTime,
    { offset: declared = "+00:00", zone, decimals: policy }: TimestampFormat,
    zones: (name: string) => Zone | null,
): string | null {
    const { year, month, day, half, meridiem, minute = "0", second = "0", offset } = groups;
    const hour = half === undefined ? Number(groups.hour ?? "0") : hourOfDay(Number(half), meridiem!);
    if (hour === null || hour > 23 || Number(minute) > 59 || Number(second) > 59) return null;
    if (Number(month) < 1 || Number(month) > 12) return null;
    const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
    if (Number(day) < 1 || Number(day) > lastDay) return null;
    const date = [year!, pad(month!), pad(day!)].join("-");
    const time = [pad(String(hour)), pad(minute), pad(second)].join(":");
    const decimals = policy === "truncate" ? groups.decimals?.slice(0, 6) : groups.decimals;
    const fraction = decimals ? `.${decimals}` : "";
    const written = offset === undefined ? null : offset.toUpperCase();
    if (written === null && zone === undefined) return `${date} ${time}${fraction}${offsetText(declared)}`;
    if (written !== null && /^(Z|UTC|GMT|[+-].*)$/.test(written))
        return `${date} ${time}${fraction}${offsetText(written)}`;
    const local = zones(offset ?? zone!)?.(`${date}T${time}`) ?? null;
    if (local === null) return null;
    return "problem" in local ? `${text} (${local.problem})` : `${local.utc}${fraction}+00:00`;
}

function offsetText(offset: string): string {
    return /^[+-]/.test(offset) ? offset : "+00:00";
}

/** By name; null for one that does not exist. A file names few, or the same typing error again and again. */
function createZones(fold: TimestampFormat["fold"]) {
    const known = new Map<string, Zone | null>();
    return (name: string): Zone | null => {
        const zone = known.get(name);
        if (zone !== undefined) return zone;
        if (known.size > 1000) known.clear();
        const created = createZone(name, fold ?? null);
        known.set(name, created);
        return created;
    };
}

/** 12 AM is 0, 12 PM is 12. */
function hourOfDay(half: number, meridiem: string): number | null {
    if (half < 1 || half > 12) return null;
    return (half % 12) + (/^p/i.test(meridiem) ? 12 : 0);
}

function pad(digits: string): string {
    return digits.padStart(2, "0");
}
