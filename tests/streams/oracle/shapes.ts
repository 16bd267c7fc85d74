/** Points and figures by hand: their numbers in order, and what makes one figure another. */
import type { TypeSpec } from "./type-spec.ts";

export function sayShape({ family }: TypeSpec, text: string): string | null {
    if (/[^[\]0-9eE+.,(){}<> -]/.test(text)) return null;
    if (family === "line" && !text.startsWith("{")) return null;
    const found = text.match(/[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/g) ?? [];
    const numbers = found.map((number) => Number(number) + 0);
    if (family === "box" && numbers.length === 4) {
        const [a, b, c, d] = numbers as [number, number, number, number];
        return [Math.max(a, c), Math.max(b, d), Math.min(a, c), Math.min(b, d)].join();
    }
    return `${family === "path" && text.startsWith("[") ? "open " : ""}${numbers.join()}`;
}
