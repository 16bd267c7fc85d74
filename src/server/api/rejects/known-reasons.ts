import { remedyForReason } from "../../../operations/streams/known-reasons.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import type { Stream } from "../../../streams/stream.ts";
import { Problem } from "../problem.ts";
import type { Context } from "../route-types.ts";
import { textSchema } from "../shapes.ts";

export const reasonParameter = textSchema(300).openapi({
    description: "A code of GET /v1/streams/{name}.",
    example: "total_invalid",
});

/** @throws Problem `code` for a reason that no reject can have */
export async function refuseUnknownReason(
    { reader, streams }: Pick<Context, "reader" | "streams">,
    builtIn: Stream,
    { reason, stream }: { reason: string | undefined; stream: KnownStream | undefined },
    code: "invalid_parameter" | "invalid_body" = "invalid_parameter",
): Promise<void> {
    if (reason === undefined) return;
    const asked = stream === undefined ? await streams.all() : [stream];
    const remedy = await reader.read(() => remedyForReason(reader.sql, { reason, streams: asked, builtIn }));
    if (remedy !== null) throw new Problem(code, `\`reason\`: No such reason. ${remedy}`, { parameter: "reason" });
}
