/** `GET /openapi.json`: the OpenAPI 3.1 document, made from the schemas that the routes are checked against. */
import type { Api } from "./route-types.ts";
import { sessionCookie } from "./safety/require-token.ts";

/** Returns a function that gives the document: it is made once, when it is first asked for. */
export function addOpenApiRoute(app: Api, asksForToken: boolean) {
    if (asksForToken) describeToken(app);
    let made: ReturnType<Api["getOpenAPI31Document"]> | undefined;
    const document = () => {
        made ??= app.getOpenAPI31Document({
            openapi: "3.1.0",
            info: {
                title: "Sluice",
                version: "1",
                description:
                    "All numbers are committed facts, with their age. Lists are newest first and continue with `cursor`. " +
                    "Errors are RFC 9457 problems with a stable `code`.",
                license: { name: "MIT" },
            },
            servers: [{ url: "/" }],
            ...(asksForToken ? { security: [{ token: [] }, { session: [] }] } : {}),
        });
        return made;
    };
    app.get("/openapi.json", (c) => c.json(document()));
    return document;
}

function describeToken(app: Api): void {
    const { openAPIRegistry: registry } = app;
    registry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
    registry.registerComponent("securitySchemes", "session", { type: "apiKey", in: "cookie", name: sessionCookie });
}
