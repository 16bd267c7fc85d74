/** A table as a public project has one, a file for it, and what must come of that, written by hand: see README.md. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import type { Counts } from "../support/count-records.ts";

export interface TableCase {
    name: string;
    ddl: string;
    delivery: string;
    header: string[];
    records: string[][];
    about: string;
    /** As it is given to --table, and as SQL writes it. */
    table: string;
    /** Those that are compared, first what orders the rows. */
    columns: string[];
    /** As Postgres writes the values. `*` is anything but null. */
    rows: (string | null)[][];
    rejects: ExpectedReject[];
    counts: Counts;
    /** More that must hold in the end: a query for one value, and the value. */
    also?: Record<string, string>;
}

export interface ExpectedReject {
    record: number;
    kind: "rejected" | "conflict";
    reasons: string[];
    /** Of one that the table itself refused, what of its words is certain. */
    refusal?: { sqlState?: string; constraint?: string };
}

export function readTableCases(folder: string): TableCase[] {
    return readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => readTableCase(join(folder, name), name))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readTableCase(folder: string, name: string): TableCase {
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    const delivery = read("delivery.csv");
    const [header = [], ...records] = parse(delivery) as string[][];
    return { name, ddl: read("DDL.sql"), delivery, header, records, ...JSON.parse(read("expected.json")) };
}

/** The same file with its first record once more at its end: no copy of the first one, and nothing new. */
export function deliverAgain({ delivery }: TableCase): string {
    const [, first] = parse(delivery, { raw: true, to: 2 }) as unknown as { raw: string }[];
    return `${delivery}${first!.raw.trim()}\n`;
}
