/** To so many decimals. */
export function roundTo<Value extends number | null>(value: Value, decimals: number): Value {
    return (value === null ? null : Number(value.toFixed(decimals))) as Value;
}
