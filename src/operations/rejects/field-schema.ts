/** A reject beside the row that its key names, and what became of it in a replay. */
import { z } from "@hono/zod-openapi";
import { rejectResolutions } from "../../database/schema.ts";
import { refusalSchema } from "../refusal-schema.ts";
import { countSchema, idSchema } from "../value-schemas.ts";

const fieldSchema = z
    .object({
        column: z.string(),
        arriving: z.string().nullable().openapi({ description: "The raw value of the record." }),
        stored: z.string().nullable().openapi({ description: "The value of the stored row, as text." }),
        differs: z.boolean().nullable().openapi({
            description: "Whether the two differ, compared as a merge compares them; null without a stored row.",
        }),
        reason: z
            .string()
            .nullable()
            .openapi({ description: "Why today's rules reject the value; null if they do not." }),
        isCut: z.boolean().openapi({ description: "One of the texts is longer than the 2,000 characters shown." }),
    })
    .openapi("RejectField");
export type RejectField = z.infer<typeof fieldSchema>;

const fieldsSchema = z
    .array(fieldSchema)
    .openapi({ description: "The stream's columns in the order of its table, then columns it does not know." });

// Without a name in the document: one that has a name cannot be null in one place only.
export const besideSchema = z.object({
    row: z
        .enum(["differs", "equal", "gone", "unreadable"])
        .nullable()
        .openapi({
            description:
                "The row with this record's key now. equal: it has the same values, so a replay counts a duplicate. " +
                "gone: deleted since the conflict. unreadable: the stream's table has changed. null: no such row.",
        }),
    storedHash: z.string().nullable().openapi({ description: "Changes with the stored row. For `seen` of a replay." }),
    replacedByBatch: idSchema.nullable().openapi({
        description: "The batch that has put another record in the row's place since this conflict was found.",
    }),
    fields: fieldsSchema,
});
export type RejectBeside = z.infer<typeof besideSchema>;

export const reasonCountSchema = z.object({ reason: z.string(), records: countSchema });
export type ReasonCount = z.infer<typeof reasonCountSchema>;

export const replaySampleSchema = z
    .object({
        rejectId: idSchema,
        outcome: z.enum([...rejectResolutions, "unchanged"]).openapi({
            description: "conflict and rejected: it is another reject now. unchanged: it stands as before.",
        }),
        reasons: z.array(z.string()).openapi({ description: "Those that remain." }),
        refusal: refusalSchema.nullable(),
        fields: fieldsSchema.openapi({ description: "The record beside the stored row, as it was before the replay." }),
    })
    .openapi("ReplaySample");
export type ReplaySample = z.infer<typeof replaySampleSchema>;
