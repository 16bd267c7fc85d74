/** The types that all route modules share. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import type { Stream } from "../../streams/stream.ts";
import type { Metric } from "./metrics/exposition.ts";
import type { Reader } from "./reader.ts";
import type { StatusReader } from "./status-routes.ts";
import type { StreamList } from "./streams/stream-list.ts";

export interface ApiEnv {
    Variables: RequestIdVariables;
    /** Absent under `app.request()`. */
    Bindings: { server?: Bun.Server<undefined> } | undefined;
}

export type Api = OpenAPIHono<ApiEnv>;

export interface Context {
    reader: Reader;
    status: StatusReader;
    streams: StreamList;
    now: () => Date;
    /** For an error outside a request: the words for the caller. Reports what is our own fault. */
    explainFault(error: unknown): { code: string; detail: string };
}

/** A stream, with the routes and metrics that it alone has. */
export interface StreamApi {
    stream: Stream;
    addRoutes(app: Api, context: Context): void;
    readMetrics(context: Context): Promise<Metric[]>;
}
