/** A reason to choose rejects by; one that does not exist is refused, since no rejects would look like good news. */
import { z } from "@hono/zod-openapi";
import { eventsStream } from "../../../shop/events-stream.ts";
import { rejectReasonsOf } from "../../../streams/reject-reasons.ts";
import { suggestName } from "../../../terminal/suggest-name.ts";

const rejectReasons = rejectReasonsOf(eventsStream);

export const reasonSchema = z.enum(rejectReasons, {
    error: ({ input }) => {
        const near = suggestName(String(input), rejectReasons);
        return near ? `No such reason. Did you mean ${near}?` : `No such reason. There are ${rejectReasons.join(", ")}`;
    },
});
