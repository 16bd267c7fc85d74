/** Writes values into the records of rejects that stand: in pages of ids, each one statement and one transaction. */
import type { Sql } from "../../database/connect.ts";
import type { Stream } from "../../streams/stream.ts";
import { suggestName } from "../../terminal/suggest-name.ts";
import { repeatStep } from "../repeat-step.ts";
import { describeContract } from "../streams/describe-contract.ts";
import type { KnownStream } from "../streams/read-streams.ts";
import { choosePage, countChosen, type RejectFilter } from "./reject-filter.ts";

export interface EditSummary {
    edited: number;
    /** They had these values already. */
    unchanged: number;
    /** Somebody else was changing them. */
    busy: number;
    /** A replay has resolved them, so they are history. */
    resolved: number;
}

const pageRejects = 10_000;

/** Only rejects with values, unless a single one is named. Throws what the database throws; pages before that stay edited. */
export async function editRejects(
    sql: Sql,
    filter: RejectFilter,
    changes: Record<string, string | null>,
    onLook: (looked: number, total: number) => void = () => {},
): Promise<EditSummary> {
    const total: EditSummary = { edited: 0, unchanged: 0, busy: 0, resolved: 0 };
    const { firstId, lastId } = await countChosen(sql, filter);
    if (firstId === null || lastId === null) return total;
    for (let after = firstId - 1; after < lastId; ) {
        const page = await choosePage(sql, filter, { after, last: lastId, limit: pageRejects });
        after = page.length < pageRejects ? lastId : page.at(-1)!;
        if (page.length > 0) {
            const edited = await editPage(sql, page, changes);
            for (const name of Object.keys(total) as (keyof EditSummary)[]) total[name] += edited[name];
        }
        onLook(after - firstId + 1, lastId - firstId + 1);
    }
    return total;
}

/** `seenEditedAt`: what the caller has seen; SL008 is raised when somebody has edited it since. */
export async function editReject(
    sql: Sql,
    rejectId: number,
    changes: Record<string, string | null>,
    seenEditedAt?: string | null,
): Promise<EditSummary> {
    return await editPage(sql, [rejectId], changes, seenEditedAt);
}

async function editPage(
    sql: Sql,
    page: readonly number[],
    changes: Record<string, string | null>,
    seenEditedAt?: string | null,
): Promise<EditSummary> {
    const seen = seenEditedAt === undefined ? null : JSON.stringify({ editedAt: seenEditedAt });
    // Repeated after a lost answer: the values are there then, and nothing is written.
    return await repeatStep(async () => {
        const [row] = await sql<{ answer: string }[]>`
            select ingest.edit_rejects(
                ${page as number[]}::bigint[], ${JSON.stringify(changes)}::text::jsonb, ${seen}::text::jsonb
            )::text as answer`;
        return JSON.parse(row!.answer) as EditSummary;
    });
}

/** What is wrong with the columns that are to be set: a sentence; null if nothing. `record`: of the one reject that is edited. */
export function findUnknownColumn(
    columns: readonly string[],
    { stream, builtIn, record }: { stream: KnownStream; builtIn: Stream; record?: Record<string, unknown> | null },
): { column: string; problem: string } | null {
    const ofTable = describeContract(stream, builtIn)
        .columns.filter(({ filledBy }) => filledBy === "file")
        .map(({ name }) => name);
    const known = [...ofTable, ...Object.keys(record ?? {})];
    const column = columns.find((name) => !known.includes(name));
    if (column === undefined) return null;
    const near = suggestName(column, known);
    const problem =
        near === null
            ? `Unknown column. Columns: ${ofTable.slice(0, 40).join(", ")}.`
            : `Unknown column. Did you mean ${near}?`;
    return { column, problem };
}
