/** Numbers that count from 1970 → what the rules take. Pure. */

/** How many of the last digits are decimals of a second. */
const decimalsOf: Record<string, number> = {
    "epoch-seconds": 0,
    "epoch-milliseconds": 3,
    "epoch-microseconds": 6,
    "epoch-nanoseconds": 9,
};

export function isEpochForm(form: string): boolean {
    return form in decimalsOf;
}

/** As many digits as seconds have until the year 5138. */
const mostSeconds = 11;

/**
 * `isOneOfMany`: the file mixes units. Then each takes only the numbers that have as many digits as its moments since
 * 1973 have, so that none can be taken for another: seconds up to 11 digits, milliseconds 12 to 14, and so on.
 */
export function createEpochReader(form: string, isOneOfMany: boolean): (text: string) => string | null {
    const shift = decimalsOf[form]!;
    const least = isOneOfMany && shift > 0 ? mostSeconds + shift - 2 : 1;
    const pattern = new RegExp(`^(\\d{${least},${mostSeconds + shift}})(?:\\.(\\d+))?$`);
    return (text) => {
        const match = pattern.exec(text);
        if (match === null) return null;
        const digits = match[1]!.padStart(shift + 1, "0");
        const seconds = digits.slice(0, digits.length - shift);
        const decimals = digits.slice(digits.length - shift) + (match[2] ?? "");
        const iso = new Date(Number(seconds) * 1000).toISOString();
        return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${decimals === "" ? "" : `.${decimals}`}+00:00`;
    };
}
