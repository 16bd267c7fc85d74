/** `POST /v1/ingest`: a CSV file, streamed into the watched folder. */
import { join } from "node:path";
import { createRoute, z } from "@hono/zod-openapi";
import { eq } from "drizzle-orm";
import { files } from "../../../database/schema.ts";
import type { KnownStream } from "../../../operations/streams/read-streams.ts";
import { isInBucket } from "../../../streams/route-files.ts";
import { Problem, problemResponses } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { textSchema } from "../shapes.ts";
import { chooseUploadPath } from "./claimed-path.ts";
import { readFilePart } from "./read-multipart.ts";
import { emptyUpload, isThere, uploadTooLarge, writeUpload } from "./write-upload.ts";

export interface UploadOptions {
    /** The watched folder. */
    inputDir: string;
    maxUploadBytes?: number;
    maxUploads?: number;
}

export const uploadPath = "/v1/ingest";
export const defaultMaxUploadBytes = 2 * 1024 ** 3;
/** A client that sends nothing for so long is cut off. */
const idleSeconds = 30;

const uploadSchema = z
    .object({
        path: z.string().openapi({ description: "The file's name in the watched folder." }),
        bytes: z.number().int().nonnegative().nullable().openapi({
            description: "Null if a file with this Idempotency-Key exists already; then nothing was written.",
        }),
        isNew: z.boolean(),
        stream: z
            .string()
            .nullable()
            .openapi({ description: "The stream that claims the file; null if none does, or several do." }),
        follow: z
            .string()
            .openapi({ description: "The address that shows its progress.", example: "/v1/files?path=…" }),
    })
    .openapi("Upload");

const binary = { schema: z.string().openapi({ format: "binary" }) };

const postIngest = createRoute({
    method: "post",
    path: uploadPath,
    summary: "Upload a CSV file",
    description:
        "Streams the file into the watched folder, where it appears once it is complete. 202 means that it will be read, " +
        "not that it has been; while its stream is paused, it waits. With an Idempotency-Key, a repeated request is the same file.",
    request: {
        headers: z.object({
            "idempotency-key": z
                .string()
                .min(1)
                .max(255)
                .optional()
                .openapi({ description: "Requests with the same key are the same file, whatever their body." }),
        }),
        query: z.strictObject({
            stream: textSchema(200).optional().openapi({
                description: "Writes the file to a path that this stream's `files` matches.",
            }),
        }),
    },
    responses: {
        202: { description: "The file is in the folder", content: { "application/json": { schema: uploadSchema } } },
        ...problemResponses(400, 403, 409, 413, 415, 503, 507),
    },
});

export function addUploadRoutes(app: Api, { reader, streams }: Context, options: UploadOptions): void {
    const { inputDir, maxUploadBytes = defaultMaxUploadBytes, maxUploads = 4 } = options;
    let uploads = 0;
    app.openAPIRegistry.registerPath({
        ...postIngest,
        request: {
            ...postIngest.request,
            body: { required: true, content: { "text/csv": binary, "multipart/form-data": multipartBody } },
        },
    });
    app.openapi({ ...postIngest, hide: true }, async (c) => {
        if (Number(c.req.header("content-length") ?? 0) > maxUploadBytes) throw uploadTooLarge(maxUploadBytes);
        if (uploads >= maxUploads) {
            const headers = { "retry-after": "5" };
            throw new Problem("too_many_uploads", "Wait until one of them has finished.", { headers });
        }
        uploads += 1;
        c.env?.server?.timeout(c.req.raw, idleSeconds);
        try {
            const wanted = (await streams.find(c.req.valid("query").stream)) ?? null;
            refuseBucket(wanted?.files ?? null, inputDir);
            const { content, fileName } = await openBody(c.req.raw);
            const key = c.req.valid("header")["idempotency-key"];
            const { path, stream } = chooseUploadPath({
                key,
                clientName: fileName,
                stream: wanted,
                streams: await knownStreams(),
            });
            const follow = `/v1/files?path=${encodeURIComponent(path)}`;
            const bytes =
                key !== undefined && (await isKnown(path))
                    ? null
                    : await writeUpload(inputDir, path, content, maxUploadBytes);
            return c.json({ path, bytes, isNew: bytes !== null, stream, follow }, 202, { location: follow });
        } finally {
            uploads -= 1;
        }
    });

    /** None while the database is away: the folder takes files all the same. */
    async function knownStreams(): Promise<KnownStream[]> {
        return await streams.all().catch(() => []);
    }

    /** In the folder, or in the ledger: it may have been archived since. */
    async function isKnown(path: string): Promise<boolean> {
        if (await isThere(join(inputDir, path))) return true;
        const rows = await reader.read((db) =>
            db.select({ fileId: files.fileId }).from(files).where(eq(files.path, path)).limit(1),
        );
        return rows.length > 0;
    }
}

/** @throws Problem stream_in_bucket: whoever may write there needs no way through here, and gets no rights by one */
function refuseBucket(files: string | null, inputDir: string): void {
    const place = [files, inputDir].find((one) => one !== null && isInBucket(one));
    if (place === undefined) return;
    throw new Problem("stream_in_bucket", `Put the object into the bucket yourself: its files are ${place}.`);
}

const multipartBody = {
    schema: z.object({ file: z.string().openapi({ format: "binary" }) }).openapi({ description: "One file." }),
};

async function openBody(request: Request): Promise<{ content: AsyncIterable<Uint8Array>; fileName?: string }> {
    const contentType = request.headers.get("content-type") ?? "";
    const type = contentType.split(";")[0]!.trim().toLowerCase();
    if (request.body === null) throw emptyUpload();
    const body = untilBreak(request.body as unknown as AsyncIterable<Uint8Array>);
    if (type === "text/csv") return { content: body };
    if (type !== "multipart/form-data") {
        throw new Problem("unsupported_media_type", "Send text/csv, or multipart/form-data with one file.");
    }
    return await readFilePart(body, contentType);
}

/** A sender that goes away is no fault of ours. */
async function* untilBreak(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
        yield* body;
    } catch (cause) {
        throw new Problem("invalid_body", "The upload ended too early. Send it again.", { cause });
    }
}
