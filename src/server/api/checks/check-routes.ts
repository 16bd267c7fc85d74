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
                            description: "Whose table it looks at; null: the ledger of all streams.",
                        }),
                        asserts: z.string(),
                        outcome: z.enum(["passed", "broken", "not_run"]).openapi({
                            description: `not_run: Postgres refused it; \`${program} check\` says why.`,
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

const checkedParameter = streamParameter.openapi({
    description: "Leaves out the checks of other streams' tables.",
    example: "orders",
});

const getChecks = createRoute({
    method: "get",
    path: "/v1/checks",
    summary: "Whether everything in the database adds up",
    description:
        "Asking starts a run when the last one ended half a minute ago, or ten times as long as it took. One runs at a " +
        `time; \`${program} check\` shows the rows that break a check.`,
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
