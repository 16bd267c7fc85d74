/** Whether any reject can have a reason: an empty list for a mistyped one would look like good news. */
import type { Sql } from "../../database/connect.ts";
import type { Stream } from "../../streams/stream.ts";
import { suggestName } from "../../terminal/suggest-name.ts";
import { describeContract } from "./describe-contract.ts";
import type { KnownStream } from "./read-streams.ts";

/** Null when there is such a reason in one of the streams; else what to write instead. */
export async function remedyForReason(
    sql: Sql,
    { reason, streams, builtIn }: { reason: string; streams: readonly KnownStream[]; builtIn: Stream },
): Promise<string | null> {
    const codes = streams.flatMap((stream) => describeContract(stream, builtIn).codes.map(({ code }) => code));
    if (codes.includes(reason)) return null;
    // Of rules as they were once.
    const given = await sql`select from ingest.reject_stats where reason = ${reason} limit 1`;
    if (given.length > 0) return null;
    const near = suggestName(reason, codes);
    return near === null ? `There are ${[...new Set(codes)].join(", ")}.` : `Did you mean ${near}?`;
}
