/** `GET /v1/files` and `GET /v1/files/:id` */
import { createRoute, z } from "@hono/zod-openapi";
import { fileStates } from "../../../database/schema.ts";
import type { Api, Context } from "../api.ts";
import { sharedForMs } from "../api.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { answers, Problem } from "../problem.ts";
import {
    countSchema,
    cursorSchema,
    idParameterSchema,
    idSchema,
    instantSchema,
    limitSchema,
    pageSchema,
    recordCounts,
    textSchema,
    toPage,
} from "../shapes.ts";
import { readFile, selectFiles } from "./read-files.ts";

const fileSchema = z
    .object({
        fileId: idSchema,
        path: z.string().openapi({ description: "Relative to the watched folder." }),
        version: idSchema,
        state: z.enum(fileStates),
        sizeBytes: countSchema,
        loadedBytes: countSchema,
        loadedRecords: countSchema,
        attempts: countSchema,
        nextAttemptAt: instantSchema.nullable(),
        problem: z.string().nullable().openapi({ description: "A stable code, while failed or skipped." }),
        problemDetail: z.string().nullable(),
        copyOf: idSchema.nullable().openapi({ description: "The merged file whose content this one repeats." }),
        isUnmatched: z.boolean().openapi({
            description: "Read by the defaults although sources are declared: none of them fits its name.",
        }),
        discoveredAt: instantSchema,
        updatedAt: instantSchema,
        mergedAt: instantSchema.nullable(),
    })
    .openapi("File");
export type SourceFile = z.infer<typeof fileSchema>;

const fileDetailSchema = fileSchema
    .extend({
        header: z.array(z.string()).nullable(),
        extraColumns: z.array(z.string()).nullable(),
        source: z.string().nullable().openapi({ description: "The `match` of the source that it is read by." }),
        records: z.object(recordCounts).openapi({ description: "Of what has been merged so far." }),
        chunks: z.object({
            total: countSchema,
            pending: countSchema,
            staged: countSchema,
            merged: countSchema,
            failed: countSchema,
        }),
        failedChunks: z
            .array(
                z.object({
                    chunkId: idSchema,
                    firstRecordNo: countSchema,
                    records: countSchema,
                    attempts: countSchema,
                    problem: z.string().nullable(),
                    problemDetail: z.string().nullable(),
                }),
            )
            .openapi({ description: "The first 20." }),
    })
    .openapi("FileDetail");

const cursorKeys = z.tuple([z.number().int().positive()]);

const listFiles = createRoute({
    method: "get",
    path: "/v1/files",
    summary: "Files, newest first",
    request: {
        query: z.strictObject({
            limit: limitSchema,
            cursor: cursorSchema,
            state: z.enum(fileStates).optional(),
            path: textSchema(4096).optional(),
        }),
    },
    responses: answers("A page", pageSchema(fileSchema), 400, 503),
});

const getFile = createRoute({
    method: "get",
    path: "/v1/files/{id}",
    summary: "One file, and what became of its records",
    request: { params: z.object({ id: idParameterSchema }), query: z.strictObject({}) },
    responses: answers("The file", fileDetailSchema, 400, 404, 503),
});

export function addFileRoutes(app: Api, { reader }: Context): void {
    app.openapi(listFiles, async (c) => {
        const { limit, cursor, state, path } = c.req.valid("query");
        const before = cursor === undefined ? undefined : decodeCursor("files", cursor, cursorKeys)[0];
        const query = { limit, before, state, path };
        const key = `files ${JSON.stringify(query)}`;
        const rows = await reader.share(key, sharedForMs.live, (db) => selectFiles(db, query));
        return c.json(
            toPage(rows, limit, (row) => encodeCursor("files", [row.fileId])),
            200,
        );
    });

    app.openapi(getFile, async (c) => {
        const { id } = c.req.valid("param");
        const file = await reader.share(`file ${id}`, sharedForMs.live, (db) => readFile(db, id));
        if (!file) {
            throw new Problem({
                code: "file_not_found",
                detail: "GET /v1/files lists the ones there are.",
                parameter: "id",
            });
        }
        return c.json(file, 200);
    });
}
