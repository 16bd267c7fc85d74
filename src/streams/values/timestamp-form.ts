/** A form such as `d MMMM yyyy HH:mm` → a function that takes a time of that form apart. Pure. */
import type { TimestampFormat } from "../source-config.ts";
import { isEpochForm } from "./read-epoch.ts";

/** Digits as they stand in the text; year and month are complete. */
export type LocalTime = Record<string, string | undefined>;

/** The tokens, longest first. */
const tokens = /yyyy|yy|M{1,4}|dd|d|E{3,4}|HH|H|hh|h|mm|m|ss|s|S{1,9}|a|X|z|'(?:[^']|'')*'/g;

const digits: Record<string, string> = {
    yyyy: "(?<year>\\d{4})",
    yy: "(?<shortYear>\\d\\d)",
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
    a: "(?<meridiem>[AaPp]\\.?[Mm]\\.?)",
    X: "(?<offset>Z|[+-]\\d\\d(?::?\\d\\d)?)",
    z: "(?<offset>[A-Za-z][A-Za-z0-9_+/-]*)",
};

/** The fault of a form, or null. */
export function formatFault(format: string): string | null {
    if (format === "iso" || isEpochForm(format)) return null;
    const used = format.match(tokens)?.filter((token) => !token.startsWith("'")) ?? [];
    // A minute and a month, and the two kinds of hour, differ by case; zone and offset are one thing.
    const parts = used.map((token) => (/^[Xz]/.test(token) ? "X or z" : token[0]!));
    const repeated = parts.find((part, index) => parts.indexOf(part) !== index);
    if (repeated) return `names ${repeated} twice`;
    if (!["y", "M", "d"].every((part) => parts.includes(part))) return "needs yyyy or yy, M to MMMM, and d or dd";
    if (parts.includes("h") !== parts.includes("a")) return "needs a (AM/PM) together with h or hh";
    if (parts.includes("h") && parts.includes("H")) return "has both h and H";
    const letter = /\p{L}/u.exec(format.replace(tokens, ""))?.[0];
    return letter ? `has "${letter}", which is no token: put text in 'single quotes'` : null;
}

/** Null for a text that is not of the form. */
export function createFormReader(
    form: string,
    { locale = "en", yearsFrom = 1970 }: Pick<TimestampFormat, "locale" | "yearsFrom">,
): (text: string) => LocalTime | null {
    const months = namesOf(locale, "month", 12);
    const weekdays = namesOf(locale, "weekday", 7);
    const pattern = patternOf(form, months, weekdays);
    return (text) => {
        const groups = pattern.exec(text.normalize())?.groups;
        if (!groups) return null;
        const { shortYear, monthName, weekday } = groups;
        const time: LocalTime = { ...groups };
        if (shortYear !== undefined)
            time.year = String(yearsFrom + ((((Number(shortYear) - yearsFrom) % 100) + 100) % 100));
        if (monthName !== undefined) time.month = String(months.get(monthName.toLowerCase())! + 1);
        const isOfDay = weekday === undefined || weekdays.get(weekday.toLowerCase()) === weekdayOf(time);
        return isOfDay ? time : null;
    };
}

/** From Monday, 0. */
function weekdayOf({ year, month, day }: LocalTime): number {
    return (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDay() + 6) % 7;
}

function patternOf(form: string, months: Map<string, number>, weekdays: Map<string, number>): RegExp {
    const partOf = (token: string): string => {
        if (token.startsWith("'")) return literal(token === "''" ? "'" : token.slice(1, -1).replaceAll("''", "'"));
        if (token.startsWith("MMM")) return `(?<monthName>${anyOf(months)})\\.?`;
        if (token.startsWith("E")) return `(?<weekday>${anyOf(weekdays)})\\.?`;
        return digits[token] ?? `(?<decimals>\\d{1,${token.length}})`;
    };
    let pattern = "";
    let from = 0;
    for (const match of form.matchAll(tokens)) {
        pattern += literal(form.slice(from, match.index)) + partOf(match[0]);
        from = match.index + match[0].length;
    }
    return new RegExp(`^${pattern}${literal(form.slice(from))}$`, "iu");
}

/** Programs that write dates in a language's own way put no-break spaces into them. */
function literal(text: string): string {
    return text.split(" ").map(RegExp.escape).join("[ \\u00a0\\u202f]");
}

function anyOf(names: Map<string, number>): string {
    return [...names.keys()]
        .sort((left, right) => right.length - left.length)
        .map(RegExp.escape)
        .join("|");
}

/** Months from January, weekdays from Monday: long and short, in lower case, without a dot behind them. */
function namesOf(locale: string, part: "month" | "weekday", count: number): Map<string, number> {
    const names = new Map<string, number>();
    // British English writes Sept.
    const locales = locale === "en" ? ["en-US", "en-GB"] : [locale];
    for (const name of locales) {
        for (const style of ["long", "short"] as const) {
            // Beside a day, and alone: many languages inflect the name.
            for (const day of part === "month" ? [undefined, "numeric" as const] : [undefined]) {
                const format = new Intl.DateTimeFormat(name, { [part]: style, day, timeZone: "UTC" });
                for (let index = 0; index < count; index += 1) {
                    // The first of January 2024 was a Monday.
                    const date = part === "month" ? Date.UTC(2024, index, 1) : Date.UTC(2024, 0, index + 1);
                    const text = format.formatToParts(date).find(({ type }) => type === part)!.value;
                    names.set(text.toLowerCase().replace(/\.$/, ""), index);
                }
            }
        }
    }
    return names;
}
