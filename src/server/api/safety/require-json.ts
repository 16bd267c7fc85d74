/** For routes that change something: a request without a JSON body must not count as an empty one. */
import type { MiddlewareHandler } from "hono";
import { Problem } from "../problem.ts";

/**
 * Give it to `createRoute` as `middleware` where the body is JSON. Hono's validator takes `{}` for a body that is missing
 * or of another type, and `{}` asks for everything.
 *
 * @throws Problem invalid_body without a body, unsupported_media_type for another type than application/json
 */
export const requireJson: MiddlewareHandler = async (c, next) => {
    const type = c.req.header("content-type");
    if (type === undefined && c.req.raw.body === null) {
        throw new Problem("invalid_body", "The body is missing. Send a JSON object as application/json.");
    }
    if (!/^application\/json\s*(;|$)/i.test(type ?? "")) {
        throw new Problem("unsupported_media_type", "Send application/json.");
    }
    await next();
};
