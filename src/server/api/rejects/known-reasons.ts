/** Refuses a reason that no reject can have: an empty list would look like good news. */
import { sql } from "drizzle-orm";
import { describeContract } from "../../../operations/streams/describe-contract.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import type { Stream } from "../../../streams/stream.ts";
import { suggestName } from "../../../terminal/suggest-name.ts";
import { Problem } from "../problem.ts";
import type { Context } from "../route-types.ts";
import { textSchema } from "../shapes.ts";

export const reasonParameter = textSchema(300).openapi({
    description: "A code of GET /v1/streams/{name}.",
    example: "total_invalid",
});

/** @throws Problem `code` */
export async function refuseUnknownReason(
    { reader, streams }: Pick<Context, "reader" | "streams">,
    builtIn: Stream,
    { reason, stream }: { reason: string | undefined; stream: KnownStream | undefined },
    code: "invalid_parameter" | "invalid_body" = "invalid_parameter",
): Promise<void> {
    if (reason === undefined) return;
    const asked = stream === undefined ? await streams.all() : [stream];
    const reasons = [
        ...new Set(asked.flatMap((one) => describeContract(one, builtIn).codes.map((known) => known.code))),
    ];
    if (reasons.includes(reason)) return;
    // Of rules as they were once.
    const given = await reader.read((db) =>
        db.execute(sql`select from ingest.reject_stats where reject_stats.reason = ${reason} limit 1`),
    );
    if (given.length > 0) return;
    const near = suggestName(reason, reasons);
    const detail =
        near === null ? `No such reason. There are ${reasons.join(", ")}.` : `No such reason. Did you mean ${near}?`;
    throw new Problem(code, `\`reason\`: ${detail}`, { parameter: "reason" });
}
