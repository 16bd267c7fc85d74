/** `GET /openapi.json`: the OpenAPI 3.1 document, made from the schemas that the routes are checked against. */
import type { Api } from "./api.ts";
import { sessionCookie } from "./safety/require-token.ts";

interface OpenApiOptions {
    asksForToken: boolean;
}

export function addOpenApiRoute(app: Api, { asksForToken }: OpenApiOptions): void {
    if (asksForToken) describeToken(app);
    let document: ReturnType<Api["getOpenAPI31Document"]> | undefined;
    app.get("/openapi.json", (c) => {
        document ??= app.getOpenAPI31Document({
            openapi: "3.1.0",
            info: {
                title: "Sluice",
                version: "1",
                description:
                    "What has been committed: every number is a fact of the database, with its age. Lists are newest " +
                    "first and continue with `cursor`. Errors are RFC 9457 problems with a stable `code`.",
                license: { name: "MIT" },
            },
            servers: [{ url: "/" }],
            ...(asksForToken ? { security: [{ token: [] }, { session: [] }] } : {}),
        });
        return c.json(document);
    });
}

function describeToken(app: Api): void {
    const { openAPIRegistry: registry } = app;
    registry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
    registry.registerComponent("securitySchemes", "session", { type: "apiKey", in: "cookie", name: sessionCookie });
}
