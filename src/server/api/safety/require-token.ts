/** With a token, everything but the probes and the way to sign in asks for it: as a bearer token, or by the cookie. */
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { Problem } from "../problem.ts";
import type { ApiEnv } from "../route-types.ts";
import type { AttemptLimit } from "./limit-attempts.ts";
import type { TokenCheck } from "./tokens.ts";

export const sessionCookie = "sluice_session";

const openPaths = new Set(["/livez", "/readyz", "/v1/session"]);

/** Whoever sends there may know no other way to say a password: SNS does not. */
const passwordPaths = new Set(["/v1/notify"]);

interface TokenGuard {
    tokens: TokenCheck;
    attempts: AttemptLimit;
    /** Further paths that need no token, such as the page that asks for it. */
    isOpenPath?: ((path: string) => boolean) | undefined;
}

export function requireToken({ tokens, attempts, isOpenPath = () => false }: TokenGuard): MiddlewareHandler<ApiEnv> {
    return async (c, next) => {
        if (openPaths.has(c.req.path) || isOpenPath(c.req.path)) return next();
        const takesPassword = passwordPaths.has(c.req.path);
        const authorization = c.req.header("authorization") ?? "";
        const bearer = bearerIn(authorization) ?? (takesPassword ? passwordIn(authorization) : undefined);
        const session = getCookie(c, sessionCookie);
        if (bearer === undefined && session === undefined) throw tokenRequired(takesPassword ? "Basic" : "Bearer");
        checkAttempt(c, attempts, () =>
            bearer === undefined ? tokens.isSession(session ?? "") : tokens.isToken(bearer),
        );
        return next();
    };
}

/**
 * Runs a check that may fail so many times a minute from one address; past that even the right token has to wait, or
 * the limit would limit nothing. @throws Problem
 */
export function checkAttempt(c: Context<ApiEnv>, attempts: AttemptLimit, isRight: () => boolean): void {
    const address = c.env?.server?.requestIP(c.req.raw)?.address ?? "unknown";
    const blockedForMs = attempts.blockedForMs(address);
    if (blockedForMs > 0) {
        const headers = { "retry-after": String(Math.ceil(blockedForMs / 1000)) };
        throw new Problem("too_many_attempts", "Wait before the next attempt.", { headers });
    }
    if (isRight()) return;
    attempts.recordFailure(address);
    throw new Problem("token_invalid", "Use the token that the API was started with.", {
        headers: { "www-authenticate": 'Bearer realm="sluice", error="invalid_token"' },
    });
}

const bearerIn = (authorization: string) => /^Bearer +(\S+)$/i.exec(authorization)?.[1];

/** Of any user. */
function passwordIn(authorization: string): string | undefined {
    const encoded = /^Basic +(\S+)$/i.exec(authorization)?.[1];
    if (encoded === undefined) return undefined;
    return Buffer.from(encoded, "base64")
        .toString()
        .replace(/^[^:]*:/, "");
}

function tokenRequired(scheme: "Basic" | "Bearer"): Problem {
    return new Problem("token_required", "Send it as `Authorization: Bearer …`, or sign in with POST /v1/session.", {
        headers: { "www-authenticate": `${scheme} realm="sluice"` },
    });
}
