/** `event_type=view user_id=u`: the values that are not null, not sanitized. Pure. */
export function describeRecord(record: Record<string, unknown>): string {
    return Object.entries(record)
        .filter(([, value]) => value !== null)
        .map(([column, value]) => `${column}=${value}`)
        .join(" ");
}
