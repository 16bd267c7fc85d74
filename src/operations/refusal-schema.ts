/** The database's message about a record that passes the rules and that the table refused all the same. */
import { z } from "@hono/zod-openapi";

export const refusalSchema = z
    .object({
        sqlState: z.string(),
        message: z.string(),
        detail: z.string(),
        constraint: z.string(),
        table: z.string(),
        raisedIn: z.string().openapi({ description: "The trigger that raised the error, and the place in it." }),
    })
    .partial()
    .openapi("Refusal", {
        description:
            "The database's message, for the reason refused_by_table or a conflict that could not be accepted.",
    });
