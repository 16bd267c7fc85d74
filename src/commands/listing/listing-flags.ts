/** The flags that `files`, `batches` and `rejects` share, and how their texts are read. */
import { InvalidArgumentError, Option } from "commander";
import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql } from "../../database/connect.ts";
import * as schema from "../../database/schema.ts";
import type { Database } from "../../server/api/reader.ts";
import { suggestName } from "../../terminal/suggest-name.ts";

const defaultLimit = 20;
const mostRows = 10_000;

/** `what`: plural, as the help says it. */
export function pageOptions(what: string): Option[] {
    return [
        new Option("--limit <count>", `how many ${what} at most (default: ${defaultLimit})`).argParser((text: string) =>
            readWholeNumber(text, mostRows),
        ),
        new Option("--before <id>", "only those with a lower id: the next page").argParser((text: string) =>
            readWholeNumber(text, Number.MAX_SAFE_INTEGER),
        ),
    ];
}

/** One of `choices`; a mistyped one is refused with the near one named. */
export function choiceOption(flag: string, description: string, choices: readonly string[]): Option {
    return new Option(flag, `${description}: ${choices.join(", ")}`).argParser((text: string) => {
        if (choices.includes(text)) return text;
        const near = suggestName(text, choices);
        throw new InvalidArgumentError(near === null ? `There are ${choices.join(", ")}.` : `Did you mean ${near}?`);
    });
}

export interface Page {
    limit: number;
    before: number | undefined;
}

export function readPage(flags: Record<string, unknown>): Page {
    return { limit: (flags.limit as number) ?? defaultLimit, before: flags.before as number | undefined };
}

function readWholeNumber(text: string, most: number): number {
    const value = /^\d+$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from 1 to ${most}.`);
}

/** The client as drizzle reads by it: for this and nothing else, since drizzle changes it. */
export function readerOf(sql: Sql): Database {
    return drizzle(sql, { schema });
}

export interface Listing<Row> {
    data: Row[];
    /** What --before takes for the next page; null on the last one. */
    nextBefore: number | null;
}

/** `rows` are one more than the page holds, if there are as many. */
export function toListing<Row>(rows: Row[], limit: number, idOf: (row: Row) => number): Listing<Row> {
    const data = rows.slice(0, limit);
    const last = data.at(-1);
    return { data, nextBefore: rows.length > limit && last !== undefined ? idOf(last) : null };
}

/** The line below a table: how to see more; none when there is no more. */
export function describeNext({ data, nextBefore }: Listing<unknown>): string[] {
    return nextBefore === null ? [] : [`(the newest ${data.length}; --before ${nextBefore} shows older ones)`];
}
