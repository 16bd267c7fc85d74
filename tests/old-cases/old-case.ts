/** One of the sixteen cases by which the project before this one was to be tested, most of them by hand. */
import type { Counts } from "../support/count-records.ts";
import type { TestDatabase } from "../support/database.ts";
import { header, idOf } from "../support/fixture.ts";

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

export const headerColumns = header.split(",");

/** A good record, the same for the same number, with some of its columns changed. */
export function recordOf(number: number, changes: Partial<Record<string, string>> = {}): string {
    const values: Record<string, string> = {
        event_id: idOf(number),
        event_type: "view",
        product_id: `p-${number}`,
        user_id: "u-1",
        event_timestamp: "2024-05-01 12:00:00",
        quantity: "1",
        price: "19.99",
    };
    return headerColumns.map((column) => changes[column] ?? values[column]).join(",");
}

export const equation = ({ read, inserted, duplicate, conflict, rejected }: Counts) =>
    `${read} = ${inserted} + ${duplicate} + ${conflict} + ${rejected}`;
