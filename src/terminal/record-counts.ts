/** What becomes of records, in the order of the equation: read is the sum of all. */
export const outcomes = ["inserted", "updated", "duplicate", "superseded", "deleted", "conflict", "rejected"] as const;
export type Outcome = (typeof outcomes)[number];

export type RecordCounts = Record<"read" | Outcome | "removed", number>;

/** `removed`: rows, not records, that a snapshot no longer has. */
export const countNames = ["read", ...outcomes, "removed"] as const;

export const noRecords = (): RecordCounts => Object.fromEntries(countNames.map((name) => [name, 0])) as RecordCounts;

export function addRecordCounts(counts: Iterable<RecordCounts>): RecordCounts {
    const total = noRecords();
    for (const each of counts) addTo(total, each);
    return total;
}

export function addTo(total: RecordCounts, counts: RecordCounts): void {
    for (const name of countNames) total[name] += counts[name];
}

export const pickCounts = (counts: RecordCounts): RecordCounts =>
    Object.fromEntries(countNames.map((name) => [name, counts[name]])) as RecordCounts;

export const isBalanced = (counts: RecordCounts): boolean =>
    counts.read === outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);

/** Those that people are shown: a stream that inserts has no row updated, superseded or deleted. */
export function shownOutcomes(...counts: readonly Partial<RecordCounts>[]): Outcome[] {
    const always: readonly Outcome[] = ["inserted", "duplicate", "conflict", "rejected"];
    return outcomes.filter((outcome) => always.includes(outcome) || counts.some((each) => (each[outcome] ?? 0) > 0));
}

/** `read = inserted + duplicate + conflict + rejected` */
export const describeEquation = (shown: readonly Outcome[] = shownOutcomes()): string => `read = ${shown.join(" + ")}`;
