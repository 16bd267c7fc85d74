/** The data contract of a stream, as `GET /v1/streams/{name}` and `bun run contract` give it. */
import { z } from "@hono/zod-openapi";

const contractColumnSchema = z.object({
    name: z.string(),
    type: z.string().openapi({ example: "numeric(12,2)" }),
    isKey: z.boolean(),
    isRequired: z.boolean().openapi({ description: "A record without a value is rejected." }),
    default: z.string().nullable().openapi({ description: "The SQL expression that replaces an empty value." }),
    filledBy: z.enum(["file", "table"]).openapi({ description: "table: generated, or never given by a file." }),
    values: z.array(z.string()).nullable().openapi({ description: "The only accepted values, for an enum." }),
    reasons: z.array(z.string()).openapi({ description: "The codes with which its values can be rejected." }),
});
export type ContractColumn = z.infer<typeof contractColumnSchema>;

const codeSchema = z.object({
    code: z.string().openapi({ example: "total_too_precise" }),
    column: z.string().nullable().openapi({ description: "Null if it concerns the whole record or line." }),
    sentence: z.string(),
    example: z
        .string()
        .nullable()
        .openapi({ description: "A value or line with this reason; null if there is no example." }),
});
export type ContractCode = z.infer<typeof codeSchema>;

export const contractSchema = z
    .object({
        name: z.string(),
        table: z.string(),
        mode: z.string().openapi({
            description:
                "insert: the first record of a key wins, and one that says otherwise is a conflict. upsert: the record " +
                "with the higher version takes the place of the row, or the later one. snapshot: a file is the whole table, or " +
                "a part of it. append: each record becomes a row.",
        }),
        files: z
            .string()
            .nullable()
            .openapi({ description: "A glob of its paths; null: files that no other stream claims." }),
        isActive: z.boolean(),
        problem: z.string().nullable(),
        problemDetail: z.string().nullable(),
        key: z.array(z.string()).openapi({ description: "Empty: the stream has no key (append)." }),
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
            description: "Constraints besides the key: the table refuses a record that breaks one.",
        }),
        ignored: z.array(z.string()).openapi({ description: "Columns of files that are ignored." }),
        codes: z.array(codeSchema),
        declaration: z.unknown().openapi({ description: "The declaration in its file." }),
    })
    .openapi("StreamContract");
export type Contract = z.infer<typeof contractSchema>;
