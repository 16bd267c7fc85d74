/** The API: middleware, routes, errors. Reads the database only, and never imports src/engine/. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import type { Sql } from "../../database/connect.ts";
import { addBatchRoutes } from "./batches/batch-routes.ts";
import { addCheckRoutes } from "./checks/check-routes.ts";
import { compressAnswers } from "./compress-answers.ts";
import { addDocsRoute } from "./docs/docs-route.ts";
import { addFileRoutes } from "./files/file-routes.ts";
import { addFlowRoutes } from "./flow/flow-routes.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { addHistoryRoutes } from "./history/history-routes.ts";
import type { Lab } from "./lab/lab-routes.ts";
import { addLabRoutes } from "./lab/lab-routes.ts";
import { addLiveRoutes, type LiveOptions } from "./live/live-routes.ts";
import { createHttpMetrics } from "./metrics/http-metrics.ts";
import { addMetricsRoutes } from "./metrics/metrics-routes.ts";
import { addNotifyRoute } from "./notify/notify-routes.ts";
import { addOpenApiRoute } from "./openapi-route.ts";
import { addPauseRoutes } from "./pause/pause-routes.ts";
import { Problem, problemResponse } from "./problem.ts";
import { createReader } from "./reader.ts";
import { addEditRoutes } from "./rejects/edit-routes.ts";
import { addRejectRoutes } from "./rejects/reject-routes.ts";
import { addReplayRoutes } from "./replay/replay-routes.ts";
import type { Api, ApiEnv, Context, StreamApi } from "./route-types.ts";
import { checkHost } from "./safety/check-host.ts";
import { checkOrigin } from "./safety/check-origin.ts";
import { limitAttempts } from "./safety/limit-attempts.ts";
import { requireToken } from "./safety/require-token.ts";
import { secureHeaders } from "./safety/secure-headers.ts";
import { addSessionRoutes } from "./safety/session-routes.ts";
import { createTokenCheck } from "./safety/tokens.ts";
import { addStatusRoutes, createStatusReader } from "./status-routes.ts";
import { createStreamList } from "./streams/stream-list.ts";
import { addStreamRoutes } from "./streams/stream-routes.ts";
import { type Fault, printFault, refuseInvalidRequest, toReportedProblem } from "./to-problem.ts";
import { addTraceRoutes } from "./trace/trace-routes.ts";
import { addUploadRoutes, defaultMaxUploadBytes, type UploadOptions, uploadPath } from "./upload/upload-routes.ts";

/** Nothing that this API takes is longer, except uploads. */
export const maxBodyBytes = 65_536;

/** For `serveApi`, which puts no app that asks for no token on an address that others can reach. */
export const servingTerms = new WeakMap<Api, { asksForToken: boolean; longestBody: number }>();

export interface AppOptions {
    /** The API's own pool, from `openReadPool`; the caller ends it. drizzle changes its parsers. */
    sql: Sql;
    served: StreamApi;
    now?: () => Date;
    /** The address or name that it is served on: a name is then taken in Host headers too. */
    host?: string;
    /** Further names it is known as, such as a proxy's. */
    allowedHosts?: readonly string[];
    /** At least 32 bytes. With it, everything but the probes asks for it; without it only loopback is served. */
    token?: string | undefined;
    /** Whether a path needs no token: a page that asks for one. */
    isOpenPath?: (path: string) => boolean;
    /** How long a request may wait for the database. */
    deadlineMs?: number;
    stream?: LiveOptions;
    /** From `openWorkPool`; the caller ends it. With it there are /v1/checks, /v1/replay, /v1/ingest/pause, /v1/notify and edits of rejects. */
    workSql?: Sql | undefined;
    /** With it there is /v1/ingest. */
    upload?: UploadOptions | undefined;
    /** With it there is /v1/lab, which breaks things on purpose: for `--lab` alone. */
    lab?: Lab | undefined;
    /** Told of every 500; prints a line to stderr by default. */
    onFault?: (fault: Fault) => void;
    /** Told of what a person has to do for a bucket's notifications; prints a line to stderr by default. */
    onNote?: (note: string) => void;
}

/** A system clock that is set back by days would make every kept answer look new until it has caught up. */
const steadyNow = () => new Date(performance.timeOrigin + performance.now());

/** @throws SluiceError api_token_short */
export function createApp(options: AppOptions): Api {
    const { sql, served, now = steadyNow, deadlineMs, onFault = printFault, stream = {} } = options;
    const reader = createReader({ sql, now, deadlineMs });
    const context: Context = {
        reader,
        status: createStatusReader(reader),
        streams: createStreamList(reader),
        now,
        explainFault: (error) => toReportedProblem(error, "stream", onFault),
    };
    const httpMetrics = createHttpMetrics();
    const app: Api = new OpenAPIHono<ApiEnv>({ defaultHook: (result) => refuseInvalidRequest(result) });

    app.use(requestId({ limitLength: 64 }));
    app.use(httpMetrics.middleware);
    app.use(secureHeaders());
    app.use(compressAnswers());
    app.use(
        methodNotAllowed({
            app,
            onMethodNotAllowed: (c, methods) => problemResponse(wrongMethod(methods.join(", ")), c.get("requestId")),
        }),
    );
    addGuards(app, options, now);

    addHealthRoutes(app, context);
    addStatusRoutes(app, context);
    addStreamRoutes(app, context, served.stream);
    addFlowRoutes(app, context);
    addBatchRoutes(app, context);
    addFileRoutes(app, context);
    addRejectRoutes(app, context, served.stream);
    addHistoryRoutes(app, context);
    addTraceRoutes(app, context, served.stream);
    served.addRoutes(app, context);
    if (options.workSql) {
        addCheckRoutes(app, context, options.workSql);
        addEditRoutes(app, context, options.workSql, served.stream);
        addReplayRoutes(app, context, options.workSql, served.stream);
        addPauseRoutes(app, context, options.workSql);
        addNotifyRoute(app, context, options.workSql, options.onNote ?? ((note) => console.error(`api: ${note}`)));
    }
    if (options.upload) addUploadRoutes(app, context, options.upload);
    if (options.lab) addLabRoutes(app, options.lab);
    const hub = addLiveRoutes(app, context, stream);
    addMetricsRoutes(app, context, { served, httpMetrics, streamViewers: hub.viewers });
    const asksForToken = options.token !== undefined;
    addDocsRoute(app, addOpenApiRoute(app, asksForToken));
    const { maxUploadBytes = defaultMaxUploadBytes } = options.upload ?? { maxUploadBytes: maxBodyBytes };
    servingTerms.set(app, { asksForToken, longestBody: maxUploadBytes });

    app.notFound((c) => problemResponse(unknownRoute, c.get("requestId")));
    app.onError((error, c) => {
        const requestId = c.get("requestId");
        return problemResponse(toReportedProblem(error, requestId, onFault), requestId);
    });
    return app;
}

/** Everything that may refuse a request before a route sees it, cheapest first. */
function addGuards(app: Api, options: AppOptions, now: () => Date): void {
    const { host, allowedHosts = [], token, isOpenPath, upload } = options;
    app.use(checkHost(host === undefined ? allowedHosts : [host, ...allowedHosts]));
    app.use(checkOrigin());
    const limitBody = bodyLimit({ maxSize: maxBodyBytes });
    // An upload counts its own bytes, as they come.
    app.use((c, next) => (upload && c.req.path === uploadPath ? next() : limitBody(c, next)));
    if (token === undefined) return;
    const tokens = createTokenCheck(token);
    const attempts = limitAttempts({ now });
    app.use(requireToken({ tokens, attempts, isOpenPath }));
    addSessionRoutes(app, tokens, attempts);
}

const unknownRoute = new Problem("not_found", "GET /openapi.json lists all addresses.");

function wrongMethod(allow: string): Problem {
    return new Problem("method_not_allowed", `Allowed: ${allow}.`, { headers: { allow } });
}
