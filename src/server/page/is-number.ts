/** Neither null nor NaN nor infinite: what may be written as a number. */
export function isNumber(value: unknown): value is number {
    return typeof value === "number" && Number.isFinite(value);
}
