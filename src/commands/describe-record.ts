/**
 * `event_type=view user_id=u`: the values that are not null, not sanitized, in the order of the file's header. Columns that
 * the file calls otherwise follow. Pure.
 */
export function describeRecord(record: Record<string, unknown>, header: readonly string[] | null = null): string {
    const places = new Map((header ?? []).map((name, index) => [plainName(name), index]));
    const placeOf = (column: string) => places.get(plainName(column)) ?? places.size;
    return Object.entries(record)
        .filter(([, value]) => value !== null)
        .sort(([left], [right]) => placeOf(left) - placeOf(right))
        .map(([column, value]) => `${column}=${value}`)
        .join(" ");
}

/** `Order ID` and `order_id` are one. */
const plainName = (name: string) =>
    name
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, "_");
