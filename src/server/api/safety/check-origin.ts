/** Refuses what a page of another site sends on a visitor's behalf: it cannot read our answers, but it could act. */
import type { MiddlewareHandler } from "hono";
import { Problem } from "../problem.ts";
import type { ApiEnv } from "../route-types.ts";

const readingMethods = new Set(["GET", "HEAD", "OPTIONS"]);

export function checkOrigin(): MiddlewareHandler<ApiEnv> {
    return async (c, next) => {
        const site = c.req.header("sec-fetch-site");
        const origin = c.req.header("origin");
        const host = c.req.header("host") ?? new URL(c.req.url).host;
        if (!readingMethods.has(c.req.method) && isForeign(site, origin, host)) {
            throw new Problem(
                "origin_not_allowed",
                "Send the request from the page of this API, or from a program without an Origin header.",
            );
        }
        return next();
    };
}

/** Browsers send Sec-Fetch-Site or Origin with every request that can change something; programs send neither. Pure. */
export function isForeign(site: string | undefined, origin: string | undefined, host: string): boolean {
    if (site !== undefined && site !== "same-origin" && site !== "none") return true;
    if (origin === undefined) return false;
    return !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase();
}
