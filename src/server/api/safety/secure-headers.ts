/** What every response carries. A route that needs another policy (the page) sets its own; nothing here overrides it. */
import type { MiddlewareHandler } from "hono";
import type { ApiEnv } from "../api.ts";

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
