/** `PATCH /v1/rejects/:id` and `PATCH /v1/rejects`: values for a replay, as `bun run rejects --set` writes them. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { editReject, editRejects, findUnknownColumn } from "../../../operations/rejects/edit-rejects.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import type { Stream } from "../../../streams/stream.ts";
import { answers, Problem } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { requireJson } from "../safety/require-json.ts";
import { countSchema, idParameterSchema, instantSchema } from "../shapes.ts";
import { filterBody, filterOf } from "./filter-parameters.ts";
import { readReject, rejectDetailSchema } from "./read-rejects.ts";
import { throwRejectProblem } from "./reject-problems.ts";

const noNul = (text: string | null) => text === null || !text.includes("\0");

export const changesSchema = z
    .record(z.string().min(1).max(200), z.string().nullable().refine(noNul, "must not hold a NUL"))
    .refine((changes) => Object.keys(changes).length > 0, "must name a column")
    .openapi({ description: "New raw values by column; null: no value.", example: { total: "12.50" } });

const patchReject = createRoute({
    method: "patch",
    path: "/v1/rejects/{id}",
    middleware: requireJson,
    summary: "Set values of one reject",
    description: "Changes what the next replay validates. The values of the file stay in `originalRecord`.",
    request: {
        params: z.object({ id: idParameterSchema }),
        body: {
            required: true,
            content: {
                "application/json": {
                    schema: z.strictObject({
                        set: changesSchema,
                        editedAt: instantSchema.nullable().optional().openapi({
                            description:
                                "`editedAt` as you have seen it; if somebody edited it since, the answer is 409.",
                        }),
                    }),
                },
            },
        },
    },
    responses: answers("The reject as it is now", rejectDetailSchema, 400, 403, 404, 409, 413, 415, 503),
});

const patchRejects = createRoute({
    method: "patch",
    path: "/v1/rejects",
    middleware: requireJson,
    summary: "Set one column of all open rejects that a filter chooses",
    description: "POST /v1/replay/preview with the same body tells first what a replay would make of them.",
    request: {
        body: {
            required: true,
            content: { "application/json": { schema: z.strictObject({ ...filterBody, set: changesSchema }) } },
        },
    },
    responses: answers(
        "What was edited",
        z
            .object({
                edited: countSchema,
                unchanged: countSchema.openapi({ description: "They had the value already." }),
                busy: countSchema.openapi({ description: "Left out, because somebody else was changing them." }),
                resolved: countSchema.openapi({
                    description: "Left out, because a replay has resolved them meanwhile.",
                }),
            })
            .openapi("RejectEdits"),
        400,
        403,
        409,
        413,
        415,
        503,
    ),
});

export function addEditRoutes(app: Api, context: Context, workSql: Sql, builtIn: Stream): void {
    const { reader, streams } = context;
    app.openapi(patchReject, async (c) => {
        const { id } = c.req.valid("param");
        const { set, editedAt } = c.req.valid("json");
        const before = await reader.read((db) => readReject(db, id));
        if (before === undefined) {
            throw new Problem("reject_not_found", "GET /v1/rejects lists all rejects.", { parameter: "id" });
        }
        const stream = (await streams.all()).find(({ name }) => name === before.stream)!;
        refuseUnknownColumn(Object.keys(set), { stream, builtIn, record: before.record ?? {} });
        const { busy, resolved } = await editReject(workSql, id, set, editedAt).catch(throwRejectProblem);
        if (resolved > 0) throw new Problem("reject_resolved", "A replay has resolved it, so it is history.");
        if (busy > 0) throw new Problem("reject_busy", "Somebody else is changing it. Look at it again.");
        return c.json((await reader.read((db) => readReject(db, id)))!, 200);
    });
    app.openapi(patchRejects, async (c) => {
        const { set, stream: name, ...asked } = c.req.valid("json");
        const stream = await oneStream(context, name);
        requireFilter(asked);
        requireOneColumn(set);
        refuseUnknownColumn(Object.keys(set), { stream, builtIn });
        const filter = await filterOf(asked, { context, builtIn, stream, code: "invalid_body" });
        c.env?.server?.timeout(c.req.raw, 0);
        const edits = editRejects(workSql, { ...filter, streamId: stream.streamId }, set);
        return c.json(await edits.catch(throwRejectProblem), 200);
    });
}

/** @throws Problem invalid_body for a column that the stream, or the record, does not have */
export function refuseUnknownColumn(columns: readonly string[], of: Parameters<typeof findUnknownColumn>[1]): void {
    const found = findUnknownColumn(columns, of);
    if (found !== null) throw new Problem("invalid_body", `\`set\`: ${found.problem}`, { parameter: "set" });
}

/** The one of that name, or the only one there is: a column belongs to a stream. @throws Problem invalid_body */
export async function oneStream({ streams }: Context, name: string | undefined): Promise<KnownStream> {
    const named = await streams.find(name, "invalid_body");
    const active = (await streams.all()).filter(({ isActive }) => isActive);
    const stream = named ?? (active.length === 1 ? active[0] : undefined);
    if (stream !== undefined) return stream;
    throw new Problem("invalid_body", "`stream`: Name the stream whose column is set.", { parameter: "stream" });
}

/** All rejects of a stream at once are never meant. @throws Problem invalid_body */
export function requireFilter(asked: Record<string, unknown>): void {
    if (Object.values(asked).some((value) => value !== undefined)) return;
    throw new Problem("invalid_body", "Choose the rejects, for example by `reason`, `file`, `contains` or `rejects`.");
}

/** @throws Problem invalid_body */
export function requireOneColumn(set: Record<string, unknown>): void {
    if (Object.keys(set).length === 1) return;
    throw new Problem("invalid_body", "`set`: One column at a time, where a filter chooses the rejects.", {
        parameter: "set",
    });
}
