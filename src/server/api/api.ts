/** What every route module is given. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import type { Stream } from "../../streams/stream.ts";
import type { StatusReader } from "./last-known-status.ts";
import type { Metric } from "./metrics/exposition.ts";
import type { Reader } from "./reader.ts";

export interface ApiEnv {
    Variables: RequestIdVariables;
    /** Absent under `app.request()`. */
    Bindings: { server?: Bun.Server<undefined> } | undefined;
}

export type Api = OpenAPIHono<ApiEnv>;

export interface Context {
    reader: Reader;
    status: StatusReader;
    now: () => Date;
    /** What to tell a caller of an error outside a request; reports what is our own fault. */
    explainFault(error: unknown): { code: string; detail: string };
}

/** A stream, and what it brings to the API beside what there is for every one. */
export interface StreamApi {
    stream: Stream;
    addRoutes(app: Api, context: Context): void;
    readMetrics(context: Context): Promise<Metric[]>;
}
