/** A number as sluice.config.ts says that it is written → digits and a point, as the rules take it. Pure. */
import type { NumberFormat } from "../source-config.ts";

/** Marks that are written in more than one way. */
const variants: Record<string, string> = { " ": " \\u00a0\\u202f", "'": "'’" };

/**
 * Gives the same number, never a rounded one: `1.234,50` is 1234.5, `+5` 5, `-0` 0, `1,0` 1, `1e3` 1000. What is not
 * written as declared comes back as it is, for the rules to refuse; with a remark where they would take it for another
 * number.
 */
export function createNumberReader({ decimal = ".", thousands }: NumberFormat): (text: string) => string {
    const group = thousands === undefined ? null : `[${variants[thousands] ?? RegExp.escape(thousands)}]`;
    const whole = group === null ? "\\d+" : `\\d{1,3}(?:${group}\\d{3})+|\\d+`;
    const point = RegExp.escape(decimal);
    const form = new RegExp(`^([+\\-−]?)(?:(${whole})(?:${point}(\\d*))?|${point}(\\d+))(?:[eE]([+-]?\\d{1,2}))?$`);
    return (text) => {
        const match = form.exec(text);
        if (match === null) return /^\d+(\.\d+)?$/.test(text) ? `${text} (not as declared in numbers)` : text;
        const [, sign, digits = "", decimals, onlyDecimals, exponent = "0"] = match;
        return numberText(
            sign !== "" && sign !== "+",
            digits.replace(/\D/g, ""),
            decimals ?? onlyDecimals ?? "",
            Number(exponent),
        );
    };
}

function numberText(isNegative: boolean, whole: string, decimals: string, exponent: number): string {
    const all = whole + decimals;
    const at = whole.length + exponent;
    const digits = at < 1 ? all.padStart(all.length - at + 1, "0") : all.padEnd(at, "0");
    const point = Math.max(at, 1);
    const units = digits.slice(0, point).replace(/^0+(?=.)/, "");
    const rest = digits.slice(point).replace(/0+$/, "");
    const text = rest === "" ? units : `${units}.${rest}`;
    return isNegative && text !== "0" ? `-${text}` : text;
}
