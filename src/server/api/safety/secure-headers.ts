/**
 * Headers of every response. Hono's secureHeaders would override those that a route sets itself, and the page needs a
 * policy of its own.
 */
import type { MiddlewareHandler } from "hono";
import type { ApiEnv } from "../route-types.ts";

const headers = {
    // Answers are data: a browser that opens one as a document may load and run nothing.
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
} as const;

export function secureHeaders(): MiddlewareHandler<ApiEnv> {
    return async (c, next) => {
        await next();
        c.res.headers.set("x-request-id", c.get("requestId"));
        for (const [name, value] of Object.entries(headers)) {
            if (!c.res.headers.has(name)) c.res.headers.set(name, value);
        }
    };
}
