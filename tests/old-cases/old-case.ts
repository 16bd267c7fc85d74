/** One of the sixteen cases by which the project before this one was to be tested, most of them by hand. */
import type { TestDatabase } from "../support/database.ts";

export interface OldCase {
    /** As the old project called it. */
    name: string;
    done: string;
    expected: string;
    run(place: Place): Promise<Seen>;
}

/** A migrated database without a row and an empty folder, for one case. */
export interface Place {
    database: TestDatabase;
    inputDir: string;
}

export interface Seen {
    seen: string;
    passed: boolean;
}

const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price";

/** A CSV file of our header and these lines. */
export function csvOf(lines: readonly string[]): string {
    return `${[header, ...lines].join("\n")}\n`;
}

export const headerColumns = header.split(",");

/** A good record, the same for the same number, with some of its columns changed. */
export function recordOf(number: number, changes: Partial<Record<string, string>> = {}): string {
    const values: Record<string, string> = {
        event_id: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
        event_type: "view",
        product_id: `p-${number}`,
        user_id: "u-1",
        event_timestamp: "2024-05-01 12:00:00",
        quantity: "1",
        price: "19.99",
    };
    return headerColumns.map((column) => changes[column] ?? values[column]).join(",");
}

export const equation = (counts: {
    read: number;
    inserted: number;
    duplicate: number;
    conflict: number;
    rejected: number;
}) => `${counts.read} = ${counts.inserted} + ${counts.duplicate} + ${counts.conflict} + ${counts.rejected}`;
