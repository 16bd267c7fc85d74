/** A GET route whose answer is one read of the database, shared by all who ask the same question at the same time. */
import { createRoute, z } from "@hono/zod-openapi";
import { answers, Problem, type ProblemCode } from "./problem.ts";
import type { Database } from "./reader.ts";
import type { Api, Context } from "./route-types.ts";
import { idParameterSchema, textSchema } from "./shapes.ts";

/** For how long an answer may be given to others who ask the same: shorter than a page polls. */
export const sharedForMs = { live: 900, heavy: 5000 } as const;

const pathParameters = { id: idParameterSchema, name: textSchema(200) };

export interface GetRoute<Query extends z.ZodRawShape, Answer extends z.ZodType, Question> {
    path: string;
    summary: string;
    description?: string;
    query?: Query;
    answer: { description: string; schema: Answer };
    sharedForMs?: (question: Question) => number;
    /** May throw a Problem: the database was not asked yet. Without it the question is the parameters themselves. */
    toQuestion?: (parameters: z.output<z.ZodObject<Query>>) => Question;
    read(db: Database, question: Question): Promise<z.input<Answer> | undefined>;
    /** The 404 for a `read` that finds nothing. */
    missing?: { code: ProblemCode; detail: string; parameter?: string };
    /** Whether `read` may find what it asks for in a state that gives no answer (409). */
    conflicts?: boolean;
}

export function addGetRoute<
    Answer extends z.ZodType,
    Query extends z.ZodRawShape = Record<never, never>,
    Question = z.output<z.ZodObject<Query>>,
>(app: Api, { reader }: Pick<Context, "reader">, route: GetRoute<Query, Answer, Question>): void {
    const { path, summary, description, query, answer, missing, conflicts = false, read, toQuestion } = route;
    const named = path.match(/\{(id|name)\}/)?.[1] as keyof typeof pathParameters | undefined;
    const params = named === undefined ? {} : { params: z.object({ [named]: pathParameters[named] }) };
    const definition = createRoute({
        method: "get",
        path,
        summary,
        ...(description !== undefined && { description }),
        request: { ...params, query: z.strictObject(query ?? {}) },
        responses: answers(
            answer.description,
            answer.schema,
            400,
            ...(missing ? ([404] as const) : []),
            ...(conflicts ? ([409] as const) : []),
            503,
        ),
    });
    app.openapi(definition, async (c) => {
        // By the route's own schemas, which TypeScript cannot follow through the generics.
        const parameters: object = {
            ...(c.req.valid("param" as never) as object),
            ...(c.req.valid("query" as never) as object),
        };
        const question = toQuestion ? toQuestion(parameters as never) : (parameters as Question);
        const key = `${path} ${JSON.stringify(question)}`;
        const forMs = route.sharedForMs?.(question) ?? sharedForMs.live;
        const found = await reader.share(key, forMs, (db) => read(db, question));
        if (found === undefined && missing) throw new Problem(missing.code, missing.detail, missing);
        return c.json(found as never, 200);
    });
}
