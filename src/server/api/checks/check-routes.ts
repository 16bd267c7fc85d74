/** `GET /v1/checks`: the logical tests of sql/checks/ on the live database. */

import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { program } from "../../../environment.ts";
import { isOf } from "../../../operations/find-checks.ts";
import { runChecks } from "../../../operations/run-checks.ts";
import { answers } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { countSchema, instantSchema } from "../shapes.ts";
import { streamParameter } from "../streams/stream-list.ts";
import { throwDatabaseProblem } from "../to-problem.ts";
import { createCheckRunner } from "./check-runner.ts";

const checksSchema = z
    .object({
        running: z.boolean(),
        run: z
            .object({
                startedAt: instantSchema,
                finishedAt: instantSchema,
                ageSeconds: z.number().nonnegative(),
                seconds: z.number().nonnegative(),
                passed: z.boolean(),
                checks: z.array(
                    z.object({
                        name: z.string(),
                        stream: z.string().nullable().openapi({
                            description: "The stream whose table it checks; null for the ledger of all streams.",
                        }),
                        asserts: z.string(),
                        outcome: z.enum(["passed", "broken", "not_run"]).openapi({
                            description: `not_run: Postgres refused the query; \`${program} check\` shows why.`,
                        }),
                        breakingRows: countSchema,
                        seconds: z.number().nonnegative(),
                    }),
                ),
            })
            .nullable()
            .openapi({ description: "The last finished run; null during the first one." }),
    })
    .openapi("Checks");
export type CheckRuns = z.infer<typeof checksSchema>;
export type CheckRun = NonNullable<CheckRuns["run"]>;

const checkedParameter = streamParameter.openapi({
    description: "Omits the checks of other streams' tables.",
    example: "orders",
});

const getChecks = createRoute({
    method: "get",
    path: "/v1/checks",
    summary: "Check that everything in the database adds up",
    description:
        "A request starts a run if the last one ended more than half a minute ago, and more than ten times its duration " +
        `ago. Only one runs at a time. \`${program} check\` shows the rows that break a check.`,
    request: { query: z.strictObject({ stream: checkedParameter }) },
    responses: answers("The last run", checksSchema, 400, 503),
});

const firstRunWaitMs = 5000;

export function addCheckRoutes(app: Api, { now, streams }: Context, workSql: Sql): void {
    const runner = createCheckRunner({ run: () => runChecks(workSql), now });
    app.openapi(getChecks, async (c) => {
        const stream = (await streams.find(c.req.valid("query").stream).catch(throwDatabaseProblem))?.name;
        const { run, isRunning } = await runner.latest(firstRunWaitMs).catch(throwDatabaseProblem);
        if (run === null) return c.json({ running: isRunning, run: null }, 200);
        const { results: all, ...times } = run;
        const results = all.filter((result) => isOf({ stream: result.stream ?? undefined }, stream));
        const checks = results.map(({ name, stream, asserts, passed, error, breakingRows, seconds }) => {
            const outcome = passed ? ("passed" as const) : error === null ? ("broken" as const) : ("not_run" as const);
            return { name, stream, asserts, outcome, breakingRows, seconds };
        });
        const ageSeconds = Math.max(0, (now().getTime() - Date.parse(run.finishedAt)) / 1000);
        const passed = results.every((result) => result.passed);
        return c.json({ running: isRunning, run: { ...times, ageSeconds, passed, checks } }, 200);
    });
}
