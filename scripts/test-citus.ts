import { Argument } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { exitCodes } from "../src/errors.ts";
import { openCitusCluster } from "../tests/support/citus-cluster.ts";
import { reportSuites, runSuite } from "../tests/support/run-suites.ts";
import { projectDir } from "../tests/support/test-server.ts";

const suites = ["tests/citus", "tests/merge", "tests/ingest", "tests/recovery"];

/** Files of these that are left out, and why. */
const excluded: Record<string, string> = {
    "merge/refused.test.ts": "triggers, rules and constraints of theirs that Citus does not allow",
    "merge/refused-variants.test.ts": "the same",
    "merge/changing-triggers.test.ts": "Citus allows no triggers",
    "merge/conservation.test.ts": "breaks the merge by a trigger",
    "merge/cut-merges.test.ts": "stops the merge by a trigger",
    "merge/garbage.test.ts":
        "takes minutes on PostgreSQL 15, where each value that is cast by trial is a savepoint on each worker",
    "merge/poison.test.ts": "looks for a wait on the coordinator that is on a worker",
    "merge/loads.test.ts": "a merge that is planned by Citus locks each lane of staging",
    "recovery/bad-neighbours.test.ts": "Citus does not pass on the name of a constraint",
    "recovery/changed-tables.test.ts": "fails where the table is changed under a distributed one; not looked into",
    "recovery/few-connections.test.ts": "fails: the nodes' own connections count too; not looked into",
    "recovery/lost-database.test.ts": "replaces the database on the coordinator alone",
    "recovery/restored-database.test.ts": "the same",
    "ingest/logs-hold-no-values.test.ts": "makes the table refuse by a trigger",
};

await runCommand({
    name: "test:citus",
    summary:
        "Runs the tests of merge, ingest and recovery on a Citus coordinator with two workers, with `events` distributed.",
    description:
        "CITUS_DATABASE_URL names a coordinator, and CITUS_WORKERS its workers (host:port, apart by commas); or CITUS_PG_CONFIG " +
        "the pg_config of a PostgreSQL with Citus, and they are started for it. Without these it says so and does nothing.",
    arguments: [new Argument("[files...]", "test files and folders, in place of those")],
    options: [],
    examples: [["bun run test:citus tests/merge", "one folder"]],
    async run({ args }) {
        const { CITUS_DATABASE_URL: url, CITUS_PG_CONFIG: pgConfig, CITUS_WORKERS: places = "" } = process.env;
        if (!url && !pgConfig) {
            process.stdout.write("Not tested on Citus: neither CITUS_DATABASE_URL nor CITUS_PG_CONFIG is set.\n");
            return exitCodes.done;
        }
        const cluster = url
            ? { url, workerPlaces: places.split(","), close: async () => {} }
            : await openCitusCluster();
        try {
            const environment = { TEST_DATABASE_URL: cluster.url, CITUS_WORKERS: cluster.workerPlaces.join(",") };
            return reportSuites("citus", [
                await runSuite("Citus", args.length > 0 ? args : suites.flatMap(filesOf), environment),
            ]);
        } finally {
            await cluster.close();
        }
    },
});

function filesOf(suite: string): string[] {
    const files = [...new Bun.Glob(`${suite}/**/*.test.ts`).scanSync(projectDir)];
    return files.filter((file) => excluded[file.slice("tests/".length)] === undefined).sort();
}
