/** Intervals by hand: months, days, and microseconds as an exact decimal. */

interface Amounts {
    months: bigint;
    days: bigint;
    /** Millionths of a second times ten to the power of `extra`. */
    seconds: { digits: bigint; decimals: number };
}

const unitOf: Record<string, { part: "months" | "days" | "seconds"; size: bigint }> = {};
for (const [names, part, size] of [
    ["year years yr yrs", "months", 12n],
    ["month months mon mons", "months", 1n],
    ["week weeks", "days", 7n],
    ["day days", "days", 1n],
    ["hour hours hr hrs", "seconds", 3600n],
    ["minute minutes min mins", "seconds", 60n],
    ["second seconds sec secs", "seconds", 1n],
] as const) {
    for (const name of names.split(" ")) unitOf[name] = { part, size };
}

function add(
    amounts: Amounts,
    part: "months" | "days" | "seconds",
    size: bigint,
    sign: string,
    whole: string,
    decimals = "",
) {
    const factor = sign === "-" ? -1n : 1n;
    if (part !== "seconds") {
        amounts[part] += factor * size * BigInt(whole);
        return;
    }
    const most = Math.max(amounts.seconds.decimals, decimals.length);
    const scaled = amounts.seconds.digits * 10n ** BigInt(most - amounts.seconds.decimals);
    const more = BigInt(whole + decimals) * 10n ** BigInt(most - decimals.length);
    amounts.seconds = { digits: scaled + factor * size * more, decimals: most };
}

function write({ months, days, seconds }: Amounts): string {
    let { digits, decimals } = seconds;
    while (decimals > 0 && digits % 10n === 0n) {
        digits /= 10n;
        decimals -= 1;
    }
    return `${months} ${days} ${digits}e-${decimals}`;
}

const none = (): Amounts => ({ months: 0n, days: 0n, seconds: { digits: 0n, decimals: 0 } });

/** What is said; null for forms that are not of the documented ones. */
export function sayInterval(text: string): string | null {
    const amounts = none();
    const lower = text.toLowerCase();
    const isRead = lower.startsWith("p") ? readIso(lower, amounts) : readSpoken(lower, amounts);
    return isRead ? write(amounts) : null;
}

function readSpoken(text: string, amounts: Amounts): boolean {
    let rest = text;
    while (rest !== "") {
        const time = /^([+-]?)(\d+):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?$/.exec(rest);
        if (time !== null) {
            const [, sign = "", hours = "", minutes = "", seconds = "0", decimals = ""] = time;
            add(amounts, "seconds", 3600n, sign, hours);
            add(amounts, "seconds", 60n, sign, minutes);
            add(amounts, "seconds", 1n, sign, seconds, decimals);
            return true;
        }
        const found = /^([+-]?)(\d+)(?:\.(\d+))? ?([a-z]+)(?: (?=.)|$)/.exec(rest);
        const unit = found && unitOf[found[4]!];
        if (!found || !unit) return false;
        if (found[3] !== undefined && !/^sec/.test(found[4]!)) return false;
        add(amounts, unit.part, unit.size, found[1]!, found[2]!, found[3]);
        rest = rest.slice(found[0].length);
    }
    return text !== "";
}

function readIso(text: string, amounts: Amounts): boolean {
    const n = "([+-]?)(\\d+)";
    const week = new RegExp(`^p${n}w$`).exec(text);
    if (week) {
        add(amounts, "days", 7n, week[1]!, week[2]!);
        return true;
    }
    const found = new RegExp(
        `^p(?:${n}y)?(?:${n}m)?(?:${n}d)?(?:t(?:${n}h)?(?:${n}m)?(?:${n}(?:\\.(\\d+))?s)?)?$`,
    ).exec(text);
    if (found === null) return false;
    const parts = [
        ["months", 12n],
        ["months", 1n],
        ["days", 1n],
        ["seconds", 3600n],
        ["seconds", 60n],
        ["seconds", 1n],
    ] as const;
    for (const [index, [part, size]] of parts.entries()) {
        const whole = found[index * 2 + 2];
        if (whole !== undefined)
            add(amounts, part, size, found[index * 2 + 1]!, whole, index === 5 ? found[13] : undefined);
    }
    return true;
}
