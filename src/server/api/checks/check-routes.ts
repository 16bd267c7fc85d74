/** `GET /v1/checks`: the logical tests of sql/checks/ on the live database. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { runChecks } from "../../../operations/run-checks.ts";
import { answers } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { countSchema, instantSchema } from "../shapes.ts";
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
                        asserts: z.string(),
                        outcome: z.enum(["passed", "broken", "not_run"]).openapi({
                            description: "not_run: Postgres refused it; `bun run check` says why.",
                        }),
                        breakingRows: countSchema,
                        seconds: z.number().nonnegative(),
                    }),
                ),
            })
            .nullable()
            .openapi({ description: "The last run that has ended; null while the first one goes on." }),
    })
    .openapi("Checks");
export type CheckRuns = z.infer<typeof checksSchema>;
export type CheckRun = NonNullable<CheckRuns["run"]>;

const getChecks = createRoute({
    method: "get",
    path: "/v1/checks",
    summary: "Whether everything in the database adds up",
    description:
        "Asking starts a run when the last one ended half a minute ago, or ten times as long as it took. One runs at a " +
        "time; `bun run check` shows the rows that break a check.",
    request: { query: z.strictObject({}) },
    responses: answers("The last run", checksSchema, 400, 503),
});

const firstRunWaitMs = 5000;

export function addCheckRoutes(app: Api, { now }: Context, workSql: Sql): void {
    const runner = createCheckRunner({ run: () => runChecks(workSql), now });
    app.openapi(getChecks, async (c) => {
        const { run, isRunning } = await runner.latest(firstRunWaitMs).catch(throwDatabaseProblem);
        if (run === null) return c.json({ running: isRunning, run: null }, 200);
        const { results, ...times } = run;
        const checks = results.map(({ name, asserts, passed, error, breakingRows, seconds }) => {
            const outcome = passed ? ("passed" as const) : error === null ? ("broken" as const) : ("not_run" as const);
            return { name, asserts, outcome, breakingRows, seconds };
        });
        const ageSeconds = Math.max(0, (now().getTime() - Date.parse(run.finishedAt)) / 1000);
        const passed = results.every((result) => result.passed);
        return c.json({ running: isRunning, run: { ...times, ageSeconds, passed, checks } }, 200);
    });
}
