/** Numbers as people read them: short, in English, the same in every locale. */

const groupedNumber = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** 1234567 → `1,234,567`. */
export function formatNumber(value: number | bigint): string {
    return groupedNumber.format(value);
}

/** (1, "file") → `1 file`; (1234, "file") → `1,234 files`; an irregular plural is the third argument. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
    return `${formatNumber(count)} ${count === 1 ? noun : plural}`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** 0 → `0 B`, 1536 → `1.5 KiB`, 16777216 → `16 MiB`: three digits at most. */
export function formatBytes(bytes: number): string {
    let value = bytes;
    let unit = 0;
    while (Number(toThreeDigits(value)) >= 1000 && unit < byteUnits.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return `${unit === 0 ? formatNumber(value) : toThreeDigits(value)} ${byteUnits[unit]}`;
}

/** Milliseconds → `0 ms`, `420 ms`, `1.5 s`, `42 s`, `3m 20s`, `2h 5m`, `4d 3h`. */
export function formatDuration(durationMs: number): string {
    if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
    if (durationMs < 59_500) return `${toThreeDigits(durationMs / 1000, 1)} s`;
    const seconds = Math.round(durationMs / 1000);
    if (seconds < 3600) return joinUnits(seconds, 60, "m", "s");
    const minutes = Math.round(seconds / 60);
    if (minutes < 24 * 60) return joinUnits(minutes, 60, "h", "m");
    return joinUnits(Math.round(minutes / 60), 24, "d", "h");
}

/** Seconds since something happened → `just now`, `12 s ago`, `3m 20s ago`; null → `never`. */
export function formatAge(ageSeconds: number | null): string {
    if (ageSeconds === null) return "never";
    return ageSeconds < 1 ? "just now" : `${formatDuration(ageSeconds * 1000)} ago`;
}

/** An ISO instant in UTC or with an offset → `2026-01-31 07:29:31Z`: the one form of a time that people read. */
export function formatMoment(instant: string): string {
    return new Date(instant)
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, "Z");
}

/** (1, 3) → `33.3 %`; nothing of nothing is `–`, and what is not all or nothing never shows as such. */
export function formatShare(part: number, whole: number): string {
    if (whole === 0) return "–";
    const percent = (100 * part) / whole;
    if (percent > 0 && percent < 0.1) return "<0.1 %";
    if (percent < 100 && percent > 99.9) return ">99.9 %";
    return `${percent === 100 || percent === 0 ? percent : percent.toFixed(1)} %`;
}

function joinUnits(amount: number, perLarge: number, large: string, small: string): string {
    const rest = amount % perLarge;
    const whole = `${formatNumber(Math.floor(amount / perLarge))}${large}`;
    return rest === 0 ? whole : `${whole} ${rest}${small}`;
}

/** 1.234 → `1.23`, 12.34 → `12.3`, 123.4 → `123`, without trailing zeros; at most `mostDecimals` decimals. */
function toThreeDigits(value: number, mostDecimals = 2): string {
    const decimals = Math.min(mostDecimals, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
    return String(Number(value.toFixed(decimals)));
}
