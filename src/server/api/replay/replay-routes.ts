/** `POST /v1/replay` and `POST /v1/replay/preview`: today's rules applied to rejects again, as `bun run replay` does. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { reasonCountSchema, replaySampleSchema } from "../../../operations/rejects/field-schema.ts";
import { replayStreams } from "../../../operations/replay-streams.ts";
import type { ReplayRequest } from "../../../operations/run-replay.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import type { Stream } from "../../../streams/stream.ts";
import { answers, Problem } from "../problem.ts";
import {
    changesSchema,
    oneStream,
    refuseUnknownColumn,
    requireFilter,
    requireOneColumn,
} from "../rejects/edit-routes.ts";
import { filterBody, filterOf } from "../rejects/filter-parameters.ts";
import { readReject } from "../rejects/read-rejects.ts";
import { throwRejectProblem } from "../rejects/reject-problems.ts";
import type { Api, Context } from "../route-types.ts";
import { requireJson } from "../safety/require-json.ts";
import { countSchema, instantSchema, recordCounts } from "../shapes.ts";

const counts = {
    dryRun: z.boolean(),
    batches: countSchema,
    ...recordCounts,
    displaced: countSchema.openapi({
        description: "Rows replaced by a conflicting record; they are rejects now.",
    }),
    refused: countSchema.openapi({
        description: "Accepted conflicts whose record the table refuses; `refusal` has the cause.",
    }),
    unchanged: countSchema.openapi({ description: "Rejects with the same result as before; they stay open." }),
    unsplittable: countSchema.openapi({ description: "Rejects without values; set their record first." }),
    busy: countSchema.openapi({ description: "Left out, because somebody else was changing them." }),
    remaining: z.array(reasonCountSchema).openapi({
        description: "What is still rejected or in conflict afterwards, by reason, most frequent first.",
    }),
    samples: z.array(replaySampleSchema).openapi({
        description: "Up to five accepted conflicts beside the rows they replaced; of a single reject, its outcome.",
    }),
};

const summarySchema = z
    .object({
        ...counts,
        streams: z
            .array(z.object({ stream: z.string(), problem: z.string().nullable(), ...counts }))
            .optional()
            .openapi({
                description:
                    "Present if more than one stream was replayed; the counts above are their totals. `problem`: what is wrong with the table.",
            }),
    })
    .openapi("ReplaySummary");

const replayBody = {
    ...filterBody,
    acceptConflicts: z.boolean().optional().openapi({
        description: "Conflicting records replace the stored rows, which become rejects.",
    }),
};

const seenSchema = z
    .strictObject({
        editedAt: instantSchema.nullable().optional(),
        storedHash: z.string().max(100).nullable().optional(),
    })
    .openapi({
        description: "With one id in `rejects`: its `editedAt` and `beside.storedHash` as you have seen them, or 409.",
    });

const requestOf = <Shape extends z.ZodRawShape>(shape: Shape) => ({
    body: { required: true, content: { "application/json": { schema: z.strictObject(shape) } } },
});

const responses = answers("The outcome", summarySchema, 400, 403, 404, 409, 413, 415, 503);

const postReplay = createRoute({
    method: "post",
    path: "/v1/replay",
    middleware: requireJson,
    summary: "Apply today's rules to rejects again",
    description:
        "Inserts records that now pass. Leaves rejects with the same result unchanged, so a second replay does nothing.",
    request: requestOf({
        ...replayBody,
        seen: seenSchema.optional(),
        dryRun: z.boolean().optional().openapi({ description: "As POST /v1/replay/preview." }),
    }),
    responses,
});

const postPreview = createRoute({
    method: "post",
    path: "/v1/replay/preview",
    middleware: requireJson,
    summary: "What a replay would do: it is run and rolled back",
    description: "With `set`, as if these values were in the records.",
    request: requestOf({ ...replayBody, set: changesSchema.optional() }),
    responses,
});

export function addReplayRoutes(app: Api, context: Context, workSql: Sql, builtIn: Stream): void {
    let isRunning = false;

    async function replay(streams: readonly KnownStream[], request: Omit<ReplayRequest, "streamId">) {
        if (isRunning) throw new Problem("replay_running", "Only one runs at a time. Try again when it has ended.");
        isRunning = true;
        try {
            return await replayStreams(workSql, streams, request).catch(throwRejectProblem);
        } finally {
            isRunning = false;
        }
    }

    /** A single reject is replayed in its own stream, however many there are. */
    async function streamsOf(name: string | undefined, ids: readonly number[] | undefined) {
        const stream = await context.streams.find(name, "invalid_body");
        if (stream !== undefined) return [stream];
        const all = await context.streams.all();
        if (ids?.length !== 1) return all.filter(({ isActive }) => isActive);
        const reject = await context.reader.read((db) => readReject(db, ids[0]!));
        if (reject === undefined) throw new Problem("reject_not_found", "GET /v1/rejects lists all rejects.");
        return all.filter((known) => known.name === reject.stream);
    }

    app.openapi(postReplay, async (c) => {
        const { stream: name, acceptConflicts, dryRun, seen, ...asked } = c.req.valid("json");
        if (seen !== undefined && asked.rejects?.length !== 1) {
            throw new Problem("invalid_body", "`seen`: Give one id in `rejects`.", { parameter: "seen" });
        }
        const streams = await streamsOf(name, asked.rejects);
        const stream = streams.length === 1 ? streams[0] : undefined;
        const filter = await filterOf(asked, { context, builtIn, stream, code: "invalid_body" });
        // Bun ends what is silent for ten seconds; a replay of many rejects takes longer.
        c.env?.server?.timeout(c.req.raw, 0);
        return c.json(await replay(streams, { ...filter, acceptConflicts, dryRun, seen }), 200);
    });
    app.openapi(postPreview, async (c) => {
        const { stream: name, acceptConflicts, set: tried, ...asked } = c.req.valid("json");
        const streams = await streamsOf(name, asked.rejects);
        const stream = streams.length === 1 ? streams[0] : undefined;
        const filter = await filterOf(asked, { context, builtIn, stream, code: "invalid_body" });
        if (tried !== undefined) await checkTried(tried, asked, stream, name);
        c.env?.server?.timeout(c.req.raw, 0);
        return c.json(await replay(streams, { ...filter, acceptConflicts, tried, dryRun: true }), 200);
    });

    async function checkTried(
        tried: Record<string, string | null>,
        asked: { rejects?: number[] | undefined },
        stream: KnownStream | undefined,
        name: string | undefined,
    ) {
        const id = asked.rejects?.length === 1 ? asked.rejects[0]! : null;
        if (id === null) {
            requireFilter(asked);
            requireOneColumn(tried);
        }
        const record = id === null ? null : (await context.reader.read((db) => readReject(db, id)))?.record;
        const known = stream ?? (await oneStream(context, name));
        refuseUnknownColumn(Object.keys(tried), { stream: known, builtIn, record: record ?? null });
    }
}
