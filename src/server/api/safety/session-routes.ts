/** `POST /v1/session`: the page trades the token for a cookie that its scripts cannot read. `DELETE` signs out. */
import { createRoute, z } from "@hono/zod-openapi";
import { deleteCookie, setCookie } from "hono/cookie";
import { problemResponses } from "../problem.ts";
import type { Api } from "../route-types.ts";
import type { AttemptLimit } from "./limit-attempts.ts";
import { requireJson } from "./require-json.ts";
import { checkAttempt, sessionCookie } from "./require-token.ts";
import type { TokenCheck } from "./tokens.ts";

const sessionDays = 30;

const signIn = createRoute({
    method: "post",
    path: "/v1/session",
    middleware: requireJson,
    summary: "Exchange the token for a session cookie",
    request: {
        body: {
            required: true,
            content: { "application/json": { schema: z.strictObject({ token: z.string().min(1).max(1000) }) } },
        },
    },
    responses: {
        204: { description: "The cookie is set: HttpOnly, SameSite=Strict" },
        ...problemResponses(400, 401, 403, 413, 415, 429),
    },
});

const signOut = createRoute({
    method: "delete",
    path: "/v1/session",
    summary: "Delete the session cookie",
    responses: { 204: { description: "The cookie is deleted" }, ...problemResponses(403) },
});

export function addSessionRoutes(app: Api, tokens: TokenCheck, attempts: AttemptLimit): void {
    app.openapi(signIn, (c) => {
        const { token } = c.req.valid("json");
        checkAttempt(c, attempts, () => tokens.isToken(token));
        setCookie(c, sessionCookie, tokens.session, {
            httpOnly: true,
            sameSite: "Strict",
            path: "/",
            maxAge: sessionDays * 24 * 3600,
            // A proxy that ends TLS says so; over plain http a browser would drop a Secure cookie.
            secure: c.req.header("x-forwarded-proto") === "https",
        });
        return c.body(null, 204);
    });

    app.openapi(signOut, (c) => {
        deleteCookie(c, sessionCookie, { path: "/" });
        return c.body(null, 204);
    });
}
