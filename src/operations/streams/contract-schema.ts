/** The data contract of a stream, as `GET /v1/streams/{name}` and `bun run contract` give it. */
import { z } from "@hono/zod-openapi";

const contractColumnSchema = z.object({
    name: z.string(),
    type: z.string().openapi({ example: "numeric(12,2)" }),
    isKey: z.boolean(),
    isRequired: z.boolean().openapi({ description: "A record without a value is rejected." }),
    default: z.string().nullable().openapi({ description: "What an empty value becomes: an expression of SQL." }),
    filledBy: z.enum(["file", "table"]).openapi({ description: "table: generated, or never given by a file." }),
    values: z.array(z.string()).nullable().openapi({ description: "The only ones that it takes: an enum's." }),
    reasons: z.array(z.string()).openapi({ description: "The codes that its values can be rejected with." }),
});
export type ContractColumn = z.infer<typeof contractColumnSchema>;

const codeSchema = z.object({
    code: z.string().openapi({ example: "total_too_precise" }),
    column: z.string().nullable().openapi({ description: "Null: it is the record's, or the line's." }),
    sentence: z.string(),
    example: z
        .string()
        .nullable()
        .openapi({ description: "A value, or a line, that gets it; null where none can be told." }),
});
export type ContractCode = z.infer<typeof codeSchema>;

export const contractSchema = z
    .object({
        name: z.string(),
        table: z.string(),
        mode: z.string().openapi({
            description: "insert: the first record of a key wins, and one that says otherwise is a conflict.",
        }),
        files: z
            .string()
            .nullable()
            .openapi({ description: "Which paths are its; null: those that no other stream claims." }),
        isActive: z.boolean(),
        problem: z.string().nullable(),
        problemDetail: z.string().nullable(),
        key: z.array(z.string()),
        columns: z.array(contractColumnSchema).openapi({ description: "In the order of the table." }),
        checks: z.array(z.object({ name: z.string(), expression: z.string(), columns: z.array(z.string()) })),
        foreignKeys: z.array(
            z.object({
                name: z.string(),
                columns: z.array(z.string()),
                parent: z.string(),
                parentColumns: z.array(z.string()),
            }),
        ),
        uniques: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })).openapi({
            description: "Further than the key: a record that breaks one is refused by the table.",
        }),
        ignored: z.array(z.string()).openapi({ description: "Columns of files that are left out." }),
        codes: z.array(codeSchema),
        declaration: z.unknown().openapi({ description: "As its file declares it." }),
    })
    .openapi("StreamContract");
export type Contract = z.infer<typeof contractSchema>;
