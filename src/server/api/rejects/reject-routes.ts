/** `GET /v1/rejects` and `GET /v1/rejects/summary` */
import { createRoute, z } from "@hono/zod-openapi";
import { rejectKinds, rejectResolutions } from "../../../database/schema.ts";
import { refusalSchema } from "../../../operations/refusal-schema.ts";
import type { Stream } from "../../../streams/stream.ts";
import type { Api, Context } from "../api.ts";
import { sharedForMs } from "../api.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { answers } from "../problem.ts";
import {
    countSchema,
    cursorSchema,
    idSchema,
    instantSchema,
    limitSchema,
    pageSchema,
    textSchema,
    toPage,
} from "../shapes.ts";
import { readRejectSummary, rejectSummarySchema, selectRejects } from "./read-rejects.ts";
import { reasonSchemaOf } from "./reason-schema.ts";

const rejectSchema = z
    .object({
        rejectId: idSchema,
        kind: z.enum(rejectKinds),
        reasons: z.array(z.string()),
        fileId: idSchema.nullable(),
        path: z.string().nullable(),
        recordNo: countSchema,
        lineNo: countSchema.nullable(),
        byteOffset: countSchema.nullable(),
        chunkId: idSchema,
        batchId: idSchema,
        record: z.record(z.string(), z.string().nullable()).nullable().openapi({
            description: "The raw values by column; null when it could not be split into values, or is over 8 KiB.",
        }),
        rawText: z.string().nullable().openapi({
            description: "The beginning of the raw text, when there is no record to show. Untrusted: escape it.",
        }),
        refusal: refusalSchema.nullable(),
        truncated: z.boolean(),
        rejectedAt: instantSchema,
        editedAt: instantSchema.nullable().openapi({ description: "When somebody edited its record for a replay." }),
        resolution: z.enum(rejectResolutions).nullable().openapi({
            description:
                "What a replay made of it; null while it stands. conflict and rejected: again, as another reject.",
        }),
        resolvedByBatch: idSchema.nullable(),
        resolvedAt: instantSchema.nullable(),
    })
    .openapi("Reject");
export type Reject = z.infer<typeof rejectSchema>;

const cursorKeys = z.tuple([z.number().int().positive()]);

function listRejects(stream: Stream) {
    return createRoute({
        method: "get",
        path: "/v1/rejects",
        summary: "Rejects and conflicts, newest first",
        request: {
            query: z.strictObject({
                limit: limitSchema,
                cursor: cursorSchema,
                kind: z.enum(rejectKinds).optional(),
                reason: reasonSchemaOf(stream).optional(),
                file: textSchema(4096).optional().openapi({ description: "A file's id, or its path." }),
                open: z
                    .enum(["true", "false"])
                    .optional()
                    .openapi({ description: "Only those that stand, or only those that a replay has resolved." }),
            }),
        },
        responses: answers("A page", pageSchema(rejectSchema), 400, 503),
    });
}

const summarizeRejects = createRoute({
    method: "get",
    path: "/v1/rejects/summary",
    summary: "Rejects and conflicts counted by reason",
    request: { query: z.strictObject({}) },
    responses: answers("The counts", rejectSummarySchema, 400, 503),
});

export function addRejectRoutes(app: Api, { reader }: Context, stream: Stream): void {
    app.openapi(listRejects(stream), async (c) => {
        const { limit, cursor, kind, reason, file, ...rest } = c.req.valid("query");
        const before = cursor === undefined ? undefined : decodeCursor("rejects", cursor, cursorKeys)[0];
        const open = rest.open === undefined ? undefined : rest.open === "true";
        const query = { limit, before, kind, reason, file, open };
        const key = `rejects ${JSON.stringify(query)}`;
        const rows = await reader.share(key, sharedForMs.live, (db) => selectRejects(db, query));
        return c.json(
            toPage(rows, limit, (row) => encodeCursor("rejects", [row.rejectId])),
            200,
        );
    });

    app.openapi(summarizeRejects, async (c) => {
        return c.json(await reader.share("rejects summary", sharedForMs.live, readRejectSummary), 200);
    });
}
