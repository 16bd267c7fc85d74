/** The page of a listing: `files`, `batches` and `rejects` differ in their filters and columns alone. */
import { InvalidArgumentError, Option } from "commander";
import type { Flags } from "../../config/config.ts";
import { suggestName } from "../../terminal/suggest-name.ts";
import type { Answer } from "../command.ts";

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

/** One of `choices`; a mistyped one is refused, and the nearest named. */
export function choiceOption(flag: string, description: string, choices: readonly string[]): Option {
    return new Option(flag, description).choices(choices).argParser((text: string) => {
        if (choices.includes(text)) return text;
        const near = suggestName(text, choices);
        throw new InvalidArgumentError(near === null ? `There are ${choices.join(", ")}.` : `Did you mean ${near}?`);
    });
}

function readWholeNumber(text: string, most: number): number {
    const value = /^\d+$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from 1 to ${most}.`);
}

export interface Listing<Row> {
    /** Plural: `rejects`. */
    what: string;
    /** One row more than `limit`, if there is one: it shows that there is a next page. */
    select(page: { limit: number; before: number | undefined }): PromiseLike<Row[]>;
    idOf(row: Row): number;
    format(rows: readonly Row[]): string[] | Promise<string[]>;
}

/** The page that --limit and --before ask for. Its JSON names what --before takes for the next page, null on the last. */
export async function listPage<Row>(flags: Flags, { what, select, idOf, format }: Listing<Row>) {
    const limit = (flags.limit as number | undefined) ?? defaultLimit;
    const rows = await select({ limit, before: flags.before as number | undefined });
    const data = rows.slice(0, limit);
    const last = data.at(-1);
    if (last === undefined) return { lines: [`No ${what}.`], json: { data, nextBefore: null } } satisfies Answer;
    const nextBefore = rows.length > limit ? idOf(last) : null;
    const more = nextBefore === null ? [] : [`(the newest ${limit}; --before ${nextBefore} shows older ones)`];
    return { lines: [...(await format(data)), ...more], json: { data, nextBefore } } satisfies Answer;
}
