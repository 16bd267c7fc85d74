/** `GET /v1/streams`, `GET /v1/streams/{name}` and `GET /v1/streams/{name}/rows` */
import { z } from "@hono/zod-openapi";
import { streamStatusSchema } from "../../../operations/status/status-schema.ts";
import { contractSchema } from "../../../operations/streams/contract-schema.ts";
import { describeContract } from "../../../operations/streams/describe-contract.ts";
import { findStream, type KnownStream } from "../../../operations/streams/read-streams.ts";
import type { Stream } from "../../../streams/stream.ts";
import { addGetRoute } from "../get-route.ts";
import { decodeCursor, encodeCursor } from "../listing.ts";
import { Problem } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { instantSchema, wholeNumberSchema } from "../shapes.ts";
import { readRows } from "./read-rows.ts";

const streamsSchema = z
    .object({
        asOf: instantSchema,
        data: z.array(streamStatusSchema),
        inactive: z
            .array(z.string())
            .openapi({ description: "Streams that are no longer declared. Their ledger is kept." }),
    })
    .openapi("Streams");

const rowsSchema = z
    .object({
        key: z.array(z.string()),
        data: z.array(
            z.object({
                values: z.record(z.string(), z.string().nullable()).openapi({ description: "As text, by column." }),
                omitted: z
                    .array(z.string())
                    .openapi({ description: "Columns whose text is longer than 2,000 characters." }),
            }),
        ),
        nextCursor: z.string().nullable(),
    })
    .openapi("StreamRows");

const missing = {
    code: "stream_not_found",
    detail: "GET /v1/streams lists all streams.",
    parameter: "name",
} as const;

const defaultRows = 50;

const withoutOrder = ({ table }: KnownStream) =>
    new Problem(
        "stream_without_key",
        `The rows of ${table} have no key by which pages could go on. Ask the table itself.`,
    );

export function addStreamRoutes(app: Api, context: Context, builtIn: Stream): void {
    const { streams, status } = context;

    /** @throws Problem stream_not_found, with the near name */
    async function find(name: string): Promise<KnownStream> {
        const found = findStream(await streams.all(), name);
        if ("stream" in found) return found.stream;
        throw new Problem(missing.code, found.problem, missing);
    }

    addGetRoute(app, context, {
        path: "/v1/streams",
        summary: "All streams: equation, backlog, freshness and state",
        answer: { description: "The streams, as of one moment", schema: streamsSchema },
        async read() {
            const [{ asOf, streams: data }, all] = await Promise.all([status.read(), streams.all()]);
            return { asOf, data, inactive: all.filter(({ isActive }) => !isActive).map(({ name }) => name) };
        },
    });
    addGetRoute(app, context, {
        path: "/v1/streams/{name}",
        summary: "The data contract of a stream: table, columns, rules and reject codes",
        answer: { description: "The contract", schema: contractSchema },
        read: async (_, { name }: { name: string }) => describeContract(await find(name), builtIn),
        missing,
    });
    addGetRoute(app, context, {
        path: "/v1/streams/{name}/rows",
        summary: "Rows of a stream's table, in key order",
        query: {
            limit: wholeNumberSchema(1, 100).optional().openapi({ default: defaultRows }),
            cursor: z
                .string()
                .min(1)
                .max(16_000)
                .optional()
                .openapi({ description: "nextCursor of the previous page." }),
        },
        answer: { description: "A page", schema: rowsSchema },
        async read(_, { name, limit = defaultRows, cursor }: { name: string; limit?: number; cursor?: string }) {
            const stream = await find(name);
            const { key, columns } = describeContract(stream, builtIn);
            if (stream.mode === "append") throw withoutOrder(stream);
            if (key.length === 0) throw new Problem(missing.code, "Its table is not known yet.", missing);
            const list = `rows of ${name}`;
            const keySchema = z.array(z.string()).length(key.length);
            const after = cursor === undefined ? undefined : decodeCursor(list, cursor, keySchema);
            const page = await readRows(context.reader.sql, { stream, key, columns, after, limit });
            return { key, data: page.rows, nextCursor: page.next === null ? null : encodeCursor(list, page.next) };
        },
        missing,
        conflicts: true,
    });
}
