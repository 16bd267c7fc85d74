/** Answers in gzip where the client takes it: lists and pages are mostly names and digits, and shrink to a tenth. */
import type { Context, MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import type { ApiEnv } from "./route-types.ts";

/** The live stream is left alone, since a compressor would hold its events back, and so are bodies under a kilobyte. */
export function compressAnswers(): MiddlewareHandler<ApiEnv> {
    const gzip = compress({ encoding: "gzip" });
    return (c, next) =>
        gzip(c, async () => {
            await next();
            await measure(c);
        });
}

/** Hono's middleware decides by Content-Length, and its answers in JSON and text have none. */
async function measure(c: Context<ApiEnv>): Promise<void> {
    const { headers, body } = c.res;
    if (body === null || headers.has("content-length")) return;
    if (headers.get("content-type")?.startsWith("text/event-stream")) return;
    const bytes = await c.res.arrayBuffer();
    c.res = new Response(bytes, c.res);
    c.res.headers.set("content-length", String(bytes.byteLength));
}
