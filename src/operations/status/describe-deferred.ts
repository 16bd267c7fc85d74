/** What people are told of indexes that are away while a backlog is loaded. Pure. */
import { sanitize } from "../../terminal/sanitize.ts";

export interface DeferredIndexFacts {
    table: string;
    index: string;
    /** Why it could not be made, with the remedy. */
    problem: string | null;
    isBeingMade?: boolean;
    /** Of what Postgres is at. */
    percent?: number | null;
}

/** `2 indexes of shop.orders are deferred: orders_by_day, orders_by_customer (being made, 45 %)`. Null when there are none. */
export function describeDeferred(indexes: readonly DeferredIndexFacts[]): string | null {
    if (indexes.length === 0) return null;
    const tables = [...new Set(indexes.map(({ table }) => sanitize(table.replace(/^public\./, ""))))].join(", ");
    const counted = indexes.length === 1 ? `1 index of ${tables} is` : `${indexes.length} indexes of ${tables} are`;
    return `${counted} deferred: ${indexes.map(describeOne).join(", ")}`;
}

function describeOne({ index, problem, isBeingMade, percent = null }: DeferredIndexFacts): string {
    const name = sanitize(index, { most: 70 });
    if (isBeingMade) return `${name} (being made${percent === null ? "" : `, ${percent} %`})`;
    return problem === null ? name : `${name} (could not be made: ${sanitize(problem, { most: 300 })})`;
}
