/** Dates and times by hand: days from a civil date, decimals as text. What is said is an exact point in time. */

export function sayDate(text: string): string | null {
    return /^\d{4}-\d\d-\d\d$/.test(text) ? text : null;
}

/** Days since 1970, in the proleptic Gregorian calendar. */
export function daysOf(year: number, month: number, day: number): number {
    const shifted = month <= 2 ? year - 1 : year;
    const era = Math.floor(shifted / 400);
    const yearOfEra = shifted - era * 400;
    const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
    return (
        era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
    );
}

const clock = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$/;
const offset = /(?: ?(?:(Z|UTC)|([+-])(\d\d)(?::?(\d\d)(?:(?<=:\d\d):(\d\d))?)?))$/;

interface Clock {
    seconds: number;
    /** Without zeros at its end. */
    decimals: string;
}

function readClock(text: string): Clock | null {
    const found = clock.exec(text);
    if (found === null) return null;
    const [hours, minutes, seconds] = [found[1], found[2], found[3] ?? 0].map(Number) as [number, number, number];
    if (hours > 23 || minutes > 59 || seconds > 59) return null;
    return { seconds: hours * 3600 + minutes * 60 + seconds, decimals: (found[4] ?? "").replace(/0+$/, "") };
}

/** @returns the text without its offset, and that in seconds; null where there is none */
function splitOffset(text: string): { rest: string; seconds: number } | null {
    const found = offset.exec(text);
    if (found === null) return null;
    const [whole, , sign, hours = 0, minutes = 0, seconds = 0] = found;
    const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return { rest: text.slice(0, text.length - whole.length), seconds: sign === "-" ? -size : size };
}

const written = (seconds: number, decimals: string) => `${seconds}${decimals === "" ? "" : `.${decimals}`}`;

/** Seconds since 1970, from a text of a file. Years 1 to 9999, also where the offset carries it. */
export function sayTimestamp(text: string, hasZone: boolean): string | null {
    const [date = "", ...more] = text.split(/[ T]/);
    const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date);
    if (found === null) return null;
    const days = daysOf(Number(found[1]), Number(found[2]), Number(found[3]));
    if (more.length === 0) return written(days * 86_400, "");
    const rest = text.slice(date.length + 1);
    const zone = hasZone ? splitOffset(rest) : null;
    const time = readClock(zone?.rest ?? rest);
    if (time === null) return null;
    const second = days * 86_400 + time.seconds - (zone?.seconds ?? 0);
    const isFar = second < daysOf(1, 1, 1) * 86_400 || second >= daysOf(10_000, 1, 1) * 86_400;
    return isFar ? null : written(second, time.decimals);
}

/** The same of what Postgres writes under ISO and UTC. */
export function readStoredTimestamp(text: string): string {
    const found = /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:\+00)?( BC)?$/.exec(text);
    if (found === null) return text;
    const [year, month, day, hours, minutes, seconds] = found.slice(1, 7).map(Number) as [
        number,
        number,
        number,
        number,
        number,
        number,
    ];
    const days = daysOf(found[8] === undefined ? year : 1 - year, month, day);
    return written(days * 86_400 + hours * 3600 + minutes * 60 + seconds, found[7] ?? "");
}

export function sayTime(text: string, hasZone: boolean): string | null {
    const zone = hasZone ? splitOffset(text) : null;
    const time = readClock(zone?.rest ?? text);
    if (time === null) return null;
    return `${written(time.seconds, time.decimals)}${hasZone ? ` at ${zone?.seconds ?? 0}` : ""}`;
}
