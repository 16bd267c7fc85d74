/** The crash lab's experiments, and how the last ones went. There only where the program was started with `--lab`. */
import { createRoute, z } from "@hono/zod-openapi";
import { answers, Problem, problemResponses } from "../problem.ts";
import type { Api } from "../route-types.ts";
import { requireJson } from "../safety/require-json.ts";
import { idSchema, instantSchema, recordCounts } from "../shapes.ts";

const linkSchema = z
    .discriminatedUnion("kind", [
        z.object({ kind: z.literal("batch"), batchId: idSchema }),
        z.object({ kind: z.literal("file"), path: z.string() }),
        z.object({ kind: z.literal("record"), path: z.string(), recordNo: idSchema }),
    ])
    .openapi({ description: "The address of its state." });

const runSchema = z
    .object({
        runId: idSchema,
        experiment: z.string(),
        state: z.enum(["running", "balanced", "failed"]),
        startedAt: instantSchema,
        endedAt: instantSchema.nullable(),
        steps: z.array(
            z.object({
                at: instantSchema,
                tone: z.enum(["plain", "harm", "recovery", "good", "bad"]),
                text: z.string(),
                links: z.array(linkSchema),
            }),
        ),
        counts: z.object(recordCounts).nullable().openapi({
            description:
                "Over all versions of the files that the experiment delivered, once the ledger is done with them.",
        }),
    })
    .openapi("LabRun");

export type LabLink = z.infer<typeof linkSchema>;
export type LabState = z.infer<typeof labSchema>;
export type LabRun = z.infer<typeof runSchema>;
export type LabStep = LabRun["steps"][number];

/** The lab as its routes need it: `scripts/lab/` is the one there is. */
export interface Lab {
    experiments: readonly { name: string; title: string; does: string }[];
    /** The latest first. */
    runs(): readonly LabRun[];
    ingestPid(): number | null;
    databasePid(): number | null;
    /** Null when one is running. Does not wait for its end. */
    begin(name: string): LabRun | null;
}

const processSchema = z
    .number()
    .int()
    .nullable()
    .openapi({ description: "Its process id; null if it is not running." });

const labSchema = z
    .object({
        experiments: z.array(z.object({ name: z.string(), title: z.string(), does: z.string() })),
        ingestPid: processSchema,
        databasePid: processSchema,
        runs: z.array(runSchema).openapi({ description: "Newest first." }),
    })
    .openapi("Lab");

const getLab = createRoute({
    method: "get",
    path: "/v1/lab",
    summary: "The crash lab's experiments and their latest runs",
    description: "Does not use the database, so it also answers while that is down.",
    request: { query: z.strictObject({}) },
    responses: answers("The lab", labSchema, 400),
});

const postExperiment = createRoute({
    method: "post",
    path: "/v1/lab/{experiment}",
    middleware: requireJson,
    summary: "Start an experiment that breaks something",
    description: "Returns at once; GET /v1/lab shows the progress.",
    request: {
        params: z.object({ experiment: z.string().max(100) }),
        // A body of a type that no form can send: another site's page cannot press this button.
        body: { required: true, content: { "application/json": { schema: z.strictObject({}) } } },
    },
    responses: {
        202: { description: "The experiment has started", content: { "application/json": { schema: runSchema } } },
        ...problemResponses(400, 403, 404, 409, 413, 415),
    },
});

export function addLabRoutes(app: Api, lab: Lab): void {
    app.openapi(getLab, (c) => {
        const experiments = lab.experiments.map(({ name, title, does }) => ({ name, title, does }));
        const processes = { ingestPid: lab.ingestPid(), databasePid: lab.databasePid() };
        return c.json({ experiments, ...processes, runs: [...lab.runs()] }, 200);
    });

    app.openapi(postExperiment, (c) => {
        const { experiment } = c.req.valid("param");
        if (!lab.experiments.some(({ name }) => name === experiment)) {
            throw new Problem("experiment_not_found", "GET /v1/lab lists all experiments.", {
                parameter: "experiment",
            });
        }
        const run = lab.begin(experiment);
        if (!run) throw new Problem("experiment_running", "Only one runs at a time. Wait until it ends.");
        return c.json(run, 202);
    });
}
