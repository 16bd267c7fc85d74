/** The API: middleware, routes, errors. Reads the database only, and never imports src/ingest/. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import type { Sql } from "../database/connect.ts";
import { answerFault, type Fault, printFault } from "./answer-fault.ts";
import type { Api, ApiEnv, Context } from "./api.ts";
import { addBatchRoutes } from "./batches/batch-routes.ts";
import { refuseInvalidParameters } from "./check-parameters.ts";
import { addEventRoutes } from "./events/event-routes.ts";
import { addFileRoutes } from "./files/file-routes.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { addOpenApiRoute } from "./openapi-route.ts";
import { Problem, problemResponse } from "./problem.ts";
import { createReader } from "./reader.ts";
import { addRejectRoutes } from "./rejects/reject-routes.ts";
import { addStatsRoutes } from "./stats/stats-routes.ts";
import { addStatusRoutes } from "./status-routes.ts";

export interface AppOptions {
    /** The API's own pool, from `openApiPool`; the caller ends it. drizzle changes its parsers. */
    sql: Sql;
    now?: () => Date;
    /** How long a request may wait for the database. */
    deadlineMs?: number;
    /** Told of every 500; prints a line to stderr by default. */
    onFault?: (fault: Fault) => void;
}

export function createApp({ sql, now = () => new Date(), deadlineMs, onFault = printFault }: AppOptions): Api {
    const reader = createReader({ sql, now, ...(deadlineMs === undefined ? {} : { deadlineMs }) });
    const context: Context = { reader, now };
    const app: Api = new OpenAPIHono<ApiEnv>({ defaultHook: (result) => refuseInvalidParameters(result) });

    app.use(requestId({ limitLength: 64 }));
    app.use(methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => refuseMethod(methods, c.get("requestId")) }));
    app.use("/v1/*", async (c, next) => {
        await next();
        c.header("cache-control", "no-store");
    });

    addHealthRoutes(app, context);
    addStatusRoutes(app, context);
    addStatsRoutes(app, context);
    addEventRoutes(app, context);
    addBatchRoutes(app, context);
    addFileRoutes(app, context);
    addRejectRoutes(app, context);
    addOpenApiRoute(app);

    app.notFound((c) => problemResponse(unknownRoute(), c.get("requestId")));
    app.onError((error, c) => answerFault(error, c.get("requestId"), onFault));
    return app;
}

function unknownRoute(): Problem {
    return new Problem({ code: "not_found", detail: "GET /openapi.json lists every address there is." });
}

function refuseMethod(methods: string[], requestId: string): Response {
    const allow = methods.join(", ");
    return problemResponse(
        new Problem({ code: "method_not_allowed", detail: `It takes ${allow}.`, headers: { allow } }),
        requestId,
    );
}
