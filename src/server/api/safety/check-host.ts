/**
 * Refuses requests that were sent to a host name which is not ours. A page of another site can point its own name at
 * 127.0.0.1 (DNS rebinding) and then read from us as if we were that site; its name in the Host header gives it away.
 */
import { isIP } from "node:net";
import type { MiddlewareHandler } from "hono";
import { Problem } from "../problem.ts";
import type { ApiEnv } from "../route-types.ts";

/** Probes ask by whatever name they were given, and these two tell nothing. */
const openPaths = new Set(["/livez", "/readyz"]);

/** @param allowedNames what the API is known as, besides localhost and every address */
export function checkHost(allowedNames: readonly string[]): MiddlewareHandler<ApiEnv> {
    const allowed = new Set(allowedNames.map((name) => name.toLowerCase()));
    return async (c, next) => {
        const host = c.req.header("host") ?? new URL(c.req.url).host;
        if (!isAllowedHost(host, allowed) && !openPaths.has(c.req.path)) {
            throw new Problem(
                "host_not_allowed",
                "Use localhost or an IP address, or add this name to --allowed-hosts.",
            );
        }
        return next();
    };
}

/**
 * Whether a Host header (`name`, `name:port`, `[v6]:port`) names this API. An address cannot be rebound: only names
 * are looked up. Pure.
 */
export function isAllowedHost(host: string, allowed: ReadonlySet<string>): boolean {
    const name = hostName(host);
    if (name === undefined) return false;
    return name === "localhost" || name.endsWith(".localhost") || isIP(name) !== 0 || allowed.has(name);
}

function hostName(host: string): string | undefined {
    const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:@/[\]]+?)\.?)(?::\d{1,5})?$/i.exec(host);
    return (match?.[1] ?? match?.[2])?.toLowerCase();
}
