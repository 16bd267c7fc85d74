import { Argument, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { exitCodes } from "../src/errors.ts";
import { installDebianPackage } from "../tests/support/debian-package.ts";
import { findPgbouncer, startPgbouncer } from "../tests/support/pgbouncer.ts";
import { reportSuites, runSuite } from "../tests/support/run-suites.ts";
import { openTestServer } from "../tests/support/test-server.ts";

const suites = ["tests/ingest", "tests/api", "tests/recovery", "tests/database/pooler.test.ts"];
/** The tests whose behaviour a pooler changes most: parallel and long reads, commands beside an ingest. About 30 s on two idle cores. */
const shortSuites = [
    "tests/database/pooler.test.ts",
    ...["lists", "stats", "streams"].map((name) => `tests/api/${name}.test.ts`),
    "tests/recovery/bad-neighbours.test.ts",
];

await runCommand({
    name: "test:pooler",
    summary: "Runs the tests of ingest, API and recovery with a PgBouncer in transaction mode in front of the server.",
    description:
        "Commands have its address in DATABASE_URL and the server's in SLUICE_DIRECT_DATABASE_URL; the API reads through it. " +
        "Without pgbouncer on this machine (Debian's package of that name) it says so and does nothing.",
    arguments: [new Argument("[files...]", "test files and folders, in place of those")],
    options: [
        new Option("--short", "a part of the tests, for CI"),
        new Option("--install", "install Debian's package if it is missing (root only)"),
    ],
    examples: [
        ["bun run test:pooler", "all of them: minutes"],
        ["bun run test:pooler tests/recovery", "one folder"],
    ],
    async run({ flags, args }) {
        const missing = await findMissing(flags.install === true);
        if (missing !== null) {
            process.stdout.write(`Not tested behind a pooler: ${missing}.\n`);
            return exitCodes.done;
        }
        const server = await openTestServer();
        const pooler = await startPgbouncer(server.target, { pool_mode: "transaction" });
        try {
            const { host, port } = server.target;
            const files = args.length > 0 ? args : flags.short === true ? shortSuites : suites;
            const environment = { SLUICE_TEST_POOLER: `127.0.0.1:${pooler.port} ${host}:${port}` };
            return reportSuites("pooler", [await runSuite("PgBouncer, transactions", files, environment)]);
        } finally {
            await pooler.stop();
            await server.release();
        }
    },
});

/** Null when there is one. */
async function findMissing(mayInstall: boolean): Promise<string | null> {
    if (findPgbouncer() !== null) return null;
    const problem = mayInstall ? await installDebianPackage("pgbouncer", "PgBouncer") : "there is no pgbouncer here";
    return problem ?? (findPgbouncer() === null ? "the package pgbouncer has no program of that name" : null);
}
