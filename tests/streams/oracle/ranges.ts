/** Ranges by hand. Those of whole numbers and days are the same with either kind of bounds. */
import { daysOf } from "./times.ts";
import type { TypeSpec } from "./type-spec.ts";

type Say = (spec: TypeSpec, text: string) => string | null;

/** `[low,high)` of what the bounds say; null for what is no range, or holds nothing. */
export function sayRange(text: string, of: TypeSpec, say: Say): string | null {
    if (/^empty$/i.test(text)) return "empty";
    const found = /^([[(])([^[\](){}]*),([^[\](){},]*)([\])])$/.exec(text);
    if (found === null) return null;
    const bounds = [found[2]!, found[3]!].map((bound) => {
        const bare = bound.replaceAll('"', "").replace(/^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g, "");
        // Nothing at all is no bound; `""` is the empty text.
        return bare === "" ? (bound.trim() === "" && bound === "" ? "" : null) : say(of, bare);
    });
    const [low, high] = bounds;
    if (low === null || high === null || low === undefined || high === undefined) return null;
    return write(of, { low, high, hasLow: found[1] === "[" && low !== "", hasHigh: found[4] === "]" && high !== "" });
}

interface Range {
    low: string;
    high: string;
    hasLow: boolean;
    hasHigh: boolean;
}

function write(of: TypeSpec, range: Range): string {
    const next = nextOf(of);
    let { low, high, hasLow, hasHigh } = range;
    if (next !== null) {
        if (low !== "") [low, hasLow] = [hasLow ? next(low, 0) : next(low, 1), true];
        if (high !== "") [high, hasHigh] = [hasHigh ? next(high, 1) : next(high, 0), false];
    }
    return `${hasLow ? "[" : "("}${low},${high}${hasHigh ? "]" : ")"}`;
}

function nextOf({ family }: TypeSpec): ((value: string, step: 0 | 1) => string) | null {
    if (family === "integer") return (value, step) => String(BigInt(value) + BigInt(step));
    if (family !== "date") return null;
    return (value, step) => {
        const [year, month, day] = value.split("-").map(Number) as [number, number, number];
        return String(daysOf(year, month, day) + step);
    };
}
