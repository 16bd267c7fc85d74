/** A reason to choose rejects by; one that does not exist is refused, since no rejects would look like good news. */
import { z } from "@hono/zod-openapi";
import { rejectReasonsOf } from "../../../streams/reject-reasons.ts";
import type { Stream } from "../../../streams/stream.ts";
import { suggestName } from "../../../terminal/suggest-name.ts";

export function reasonSchemaOf(stream: Stream) {
    const reasons = rejectReasonsOf(stream);
    return z.enum(reasons, {
        error: ({ input }) => {
            const near = suggestName(String(input), reasons);
            return near ? `Unknown reason. Did you mean ${near}?` : `Unknown reason. Reasons: ${reasons.join(", ")}`;
        },
    });
}
