/** The flags that choose rejects: the same for `rejects` and `replay`. */
import { InvalidArgumentError, Option } from "commander";
import type { Flags } from "../../config/config.ts";
import type { Sql } from "../../database/connect.ts";
import { type RejectKind, rejectKinds } from "../../database/schema.ts";
import { sqlStateOf } from "../../database/sql-states.ts";
import { program } from "../../environment.ts";
import { findColumnFault } from "../../operations/rejects/column-fault.ts";
import type { RejectFilter } from "../../operations/rejects/reject-filter.ts";
import { remedyForReason } from "../../operations/streams/known-reasons.ts";
import type { KnownStream } from "../../operations/streams/read-streams.ts";
import type { Stream } from "../../streams/stream.ts";
import { choiceOption } from "../listing/list-page.ts";
import { refuse } from "../refuse.ts";
import { streamOption } from "../streams/choose-stream.ts";

export function filterOptions(): Option[] {
    return [
        new Option("--id <id>", "only this reject; may be given again").argParser(collectIds),
        choiceOption("--kind <kind>", "only rejects of this kind", rejectKinds),
        new Option("--reason <code>", `only those with this reason: \`${program} contract NAME\` lists a stream's`),
        new Option("--file <path>", "only those of this file: its path in the watched folder, or its id"),
        new Option("--column <name>", "only those with a reason for this column, or conflicts that differ in it"),
        new Option("--contains <text>", "only those with this text in one of their values"),
        new Option("--since <moment>", "only those rejected since then, such as 2026-01-31 or 2026-01-31T07:00:00Z"),
        new Option("--until <moment>", "only those rejected before then"),
        streamOption(),
    ];
}

export const filterFlags = ["id", "kind", "reason", "file", "column", "contains", "since", "until"] as const;

function collectIds(text: string, before: number[] | undefined): number[] {
    const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
    if (id === 0) throw new InvalidArgumentError("It is the number of a reject.");
    return [...(before ?? []), id];
}

/**
 * The filter that the flags give, without its stream. `streams`: those that may be meant.
 * @throws SluiceError reason_unknown, column_unknown, bad_flag_value
 */
export async function readFilter(
    sql: Sql,
    flags: Flags,
    { streams, builtIn }: { streams: readonly KnownStream[]; builtIn: Stream },
): Promise<Omit<RejectFilter, "streamId">> {
    const text = (name: string) => (typeof flags[name] === "string" ? flags[name] : undefined);
    const reason = text("reason");
    const [from, to, column] = [text("since"), text("until"), text("column")];
    await requireMoment(sql, "--since", from);
    await requireMoment(sql, "--until", to);
    if (reason !== undefined) {
        const remedy = await remedyForReason(sql, { reason, streams, builtIn });
        if (remedy !== null) throw refuse("reason_unknown", `There is no reason ${reason}.`, remedy);
    }
    return {
        ids: flags.id as number[] | undefined,
        kind: flags.kind as RejectKind | undefined,
        reason,
        file: text("file"),
        column: column === undefined ? undefined : requireColumn(column, streams, builtIn),
        contains: text("contains"),
        from,
        to,
    };
}

function requireColumn(name: string, streams: readonly KnownStream[], builtIn: Stream) {
    const found = findColumnFault(name, streams, builtIn);
    if ("column" in found) return found.column;
    throw refuse("column_unknown", `There is no column ${name}.`, found.problem.replace(/^Unknown column\. /, ""));
}

async function requireMoment(sql: Sql, flag: string, moment: string | undefined): Promise<void> {
    if (moment === undefined) return;
    await sql`select ${moment}::text::timestamptz`.catch((error: unknown) => {
        if (!sqlStateOf(error)?.startsWith("22")) throw error;
        throw refuse("bad_flag_value", `${flag} is not a moment.`, "Write it like 2026-01-31 or 2026-01-31T07:00:00Z.");
    });
}
