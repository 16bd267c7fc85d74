/** What the table said of a record that passes the rules and that it refused all the same. */
import { z } from "@hono/zod-openapi";

export const refusalSchema = z
    .object({
        sqlState: z.string(),
        message: z.string(),
        detail: z.string(),
        constraint: z.string(),
        table: z.string(),
        raisedIn: z.string().openapi({ description: "The trigger that raised it, and where in it." }),
    })
    .partial()
    .openapi("Refusal", {
        description:
            "Of the reason refused_by_table, or of a conflict that could not be accepted: what the database said.",
    });
