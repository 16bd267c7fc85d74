/** Decimals as digits and a power of ten, by hand. */

export interface Decimal {
    /** Without zeros at the end. */
    digits: bigint;
    exponent: bigint;
}

export function parseDecimal(text: string): Decimal | null {
    const found = /^([+-])?(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?$/.exec(text);
    if (found === null) return null;
    const [, sign, whole = "", decimals, bareDecimals, power = "0"] = found;
    const fraction = decimals ?? bareDecimals ?? "";
    const all = (whole + fraction).replace(/^0+/, "");
    const significant = all.replace(/0+$/, "");
    if (significant === "") return { digits: 0n, exponent: 0n };
    const digits = BigInt(significant);
    const exponent = BigInt(power) - BigInt(fraction.length) + BigInt(all.length - significant.length);
    return { digits: sign === "-" ? -digits : digits, exponent };
}

export function sayDecimal(text: string): string | null {
    const decimal = parseDecimal(text);
    return decimal && `${decimal.digits}e${decimal.exponent}`;
}

export function sayInteger(text: string): string | null {
    return /^[+-]?[0-9]+$/.test(text) ? String(BigInt(text.replace(/^\+/, ""))) : null;
}

/** Whether `stored`, as Postgres writes a float, is a nearest number of its type to `text`. */
export function isNearest(text: string, stored: string, isSingle: boolean): boolean {
    const wanted = parseDecimal(text);
    const value = Number(stored);
    if (wanted === null || !Number.isFinite(value)) return false;
    if (wanted.digits === 0n) return value === 0;
    if (value === 0) return false;
    if (!isSingle) return Number(text) === value;
    const single = Math.fround(value);
    const bits = new Int32Array(new Float32Array([single]).buffer)[0]!;
    const distance = (candidate: number) => distanceTo(wanted, candidate);
    const neighbours = [bits - 1, bits + 1].map((other) => new Float32Array(new Int32Array([other]).buffer)[0]!);
    return neighbours.every((other) => !Number.isFinite(other) || compare(distance(single), distance(other)) <= 0);
}

type Fraction = [numerator: bigint, denominator: bigint];

function distanceTo({ digits, exponent }: Decimal, value: number): Fraction {
    const [numerator, denominator] = exactly(value);
    const [scaled, unit]: Fraction = exponent >= 0n ? [digits * 10n ** exponent, 1n] : [digits, 10n ** -exponent];
    const difference = scaled * denominator - numerator * unit;
    return [difference < 0n ? -difference : difference, unit * denominator];
}

/** A double is a whole number over a power of two. */
function exactly(value: number): Fraction {
    let denominator = 1n;
    let scaled = value;
    while (!Number.isInteger(scaled)) {
        scaled *= 2;
        denominator *= 2n;
    }
    return [BigInt(scaled), denominator];
}

const compare = ([a, b]: Fraction, [c, d]: Fraction): number => {
    const difference = a * d - c * b;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};
