/** How many records of a file may be refused. Pure. */

/** How many rejects a file may have: so many records, or such a share of them. */
export type RejectBudget = { kind: "count"; most: number } | { kind: "ratio"; most: number };

/** `100` records; `0.05` or `5%` of them. */
export function parseRejectBudget(text: string): { value: RejectBudget } | { problem: string; remedy: string } {
    const remedy = "Write how many records (100), or what share of them (0.05 or 5%).";
    if (/^\d{1,15}$/.test(text)) return { value: { kind: "count", most: Number(text) } };
    const match = /^(\d{0,3}(?:\.\d+)?)(%)?$/.exec(text);
    if (!match?.[1]) return { problem: "is no reject budget.", remedy };
    const most = Number(match[1]) / (match[2] ? 100 : 1);
    return most <= 1 ? { value: { kind: "ratio", most } } : { problem: "is more than all records.", remedy };
}
