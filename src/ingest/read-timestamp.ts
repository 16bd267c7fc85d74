/** A declared form of event_timestamp → what the rules take: `YYYY-MM-DD HH:MM:SS[.ffffff]+HH:MM`. Pure. */
import type { TimestampFormat } from "../config-file/source-config.ts";

/** The tokens, longest first. */
const tokens = /yyyy|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|S{1,6}|a|'(?:[^']|'')*'/g;

const shapes: Record<string, string> = {
    yyyy: "(?<year>\\d{4})",
    MM: "(?<month>\\d\\d)",
    M: "(?<month>\\d\\d?)",
    dd: "(?<day>\\d\\d)",
    d: "(?<day>\\d\\d?)",
    HH: "(?<hour>\\d\\d)",
    H: "(?<hour>\\d\\d?)",
    hh: "(?<half>\\d\\d)",
    h: "(?<half>\\d\\d?)",
    mm: "(?<minute>\\d\\d)",
    m: "(?<minute>\\d\\d?)",
    ss: "(?<second>\\d\\d)",
    s: "(?<second>\\d\\d?)",
    a: "(?<meridiem>[AaPp][Mm])",
};

type Reader = (text: string) => string | null;

/** Gives a function that is null for a text of none of the forms, or of no real date. */
export function createTimestampReader({ format, offset = "+00:00" }: TimestampFormat): Reader {
    const readers = [format].flat().map((form) => createReader(form, offset));
    return (text) => {
        for (const read of readers) {
            const found = read(text);
            if (found !== null) return found;
        }
        return null;
    };
}

function createReader(format: string, offset: string): Reader {
    if (format === "epoch-seconds") return (text) => fromEpoch(text, /^\d{1,11}(\.\d{1,6})?$/, 1000);
    if (format === "epoch-milliseconds") return (text) => fromEpoch(text, /^\d{1,14}$/, 1);
    const pattern = patternOf(format);
    return (text) => {
        const groups = pattern.exec(text)?.groups;
        return groups ? toTimestamp(groups, offset) : null;
    };
}

/** What is wrong with a format, or null. */
export function formatFault(format: string): string | null {
    if (format === "epoch-seconds" || format === "epoch-milliseconds") return null;
    const used = format.match(tokens)?.filter((token) => !token.startsWith("'")) ?? [];
    const parts = used.map((token) =>
        token.startsWith("S") ? "S" : token === "H" || token === "HH" ? "H" : token[0]!,
    );
    const spelled = used.map((token, index) => (/^[mh]/.test(token) ? token[0]! : parts[index]!));
    const repeated = spelled.find((part, index) => spelled.indexOf(part) !== index);
    if (repeated) return `names ${repeated} twice`;
    const missing = ["y", "M", "d"].filter((part) => !spelled.includes(part));
    if (missing.length > 0) return "needs yyyy, M or MM, and d or dd";
    if (spelled.includes("h") !== spelled.includes("a")) return "needs a (AM/PM) together with h or hh";
    if (spelled.includes("h") && spelled.includes("H")) return "has both h and H";
    const rest = format.replace(tokens, "");
    const letter = /[A-Za-z]/.exec(rest)?.[0];
    return letter ? `has "${letter}", which is no token: put text in 'single quotes'` : null;
}

function patternOf(format: string): RegExp {
    let pattern = "";
    let from = 0;
    for (const match of format.matchAll(tokens)) {
        pattern += RegExp.escape(format.slice(from, match.index));
        const token = match[0];
        if (token.startsWith("'"))
            pattern += RegExp.escape(token === "''" ? "'" : token.slice(1, -1).replaceAll("''", "'"));
        else pattern += shapes[token] ?? `(?<decimals>\\d{1,${token.length}})`;
        from = match.index + token.length;
    }
    return new RegExp(`^${pattern}${RegExp.escape(format.slice(from))}$`);
}

function toTimestamp(groups: Record<string, string | undefined>, offset: string): string | null {
    const { year, month, day, half, meridiem, minute = "0", second = "0", decimals } = groups;
    const hour = half === undefined ? Number(groups.hour ?? "0") : hourOfDay(Number(half), meridiem!);
    if (hour === null || hour > 23 || Number(minute) > 59 || Number(second) > 59) return null;
    if (Number(month) < 1 || Number(month) > 12) return null;
    const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
    if (Number(day) < 1 || Number(day) > lastDay) return null;
    const date = [year!, pad(month!), pad(day!)].join("-");
    const time = [pad(String(hour)), pad(minute), pad(second)].join(":");
    return `${date} ${time}${decimals ? `.${decimals}` : ""}${offset === "Z" ? "+00:00" : offset}`;
}

/** 12 AM is 0, 12 PM is 12. */
function hourOfDay(half: number, meridiem: string): number | null {
    if (half < 1 || half > 12) return null;
    return (half % 12) + (meridiem.toUpperCase() === "PM" ? 12 : 0);
}

function pad(digits: string): string {
    return digits.padStart(2, "0");
}

function fromEpoch(text: string, form: RegExp, millisecondsPerUnit: number): string | null {
    if (!form.test(text)) return null;
    const [whole, decimals] = text.split(".");
    const milliseconds = Number(whole) * millisecondsPerUnit;
    if (milliseconds > 253_402_300_799_999) return null;
    const iso = new Date(milliseconds).toISOString();
    const fraction = decimals ?? iso.slice(20, 23);
    return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${fraction}+00:00`;
}
