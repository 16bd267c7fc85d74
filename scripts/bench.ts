import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { reportHeader, reportOf, reportRow, type ScenarioReport } from "../src/bench/report.ts";
import { runScenario } from "../src/bench/run-scenario.ts";
import { quickly, scenarios } from "../src/bench/scenarios.ts";
import { configOptions, loadConfig } from "../src/config.ts";
import { connect } from "../src/database/connect.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { runCommand } from "../src/terminal/command.ts";
import { formatTable } from "../src/terminal/table.ts";
import { logToStderr } from "../src/terminal/with-database.ts";

const quickRecords = 100_000;

await runCommand({
    name: "bench",
    summary: "Times Sluice against a plain COPY of ready rows into the same table, in turns.",
    description:
        "The yardsticks check nothing and stop at the first duplicate: one connection, and one for each core. Timings on\n" +
        "shared machines are noisy: read the ratios. Works on databases of its own, on an embedded server of its own\n" +
        "unless --database-url names one; existing data is not touched.",
    options: [
        ...configOptions("databaseUrl", "json"),
        new Option("--scenario <names...>", "only these").choices(scenarios.map(({ name }) => name)),
        new Option("--rounds <n>", "rounds of each scenario").default("3"),
        new Option("--quick", `${quickRecords.toLocaleString("en-US")} records, one round, the two basic scenarios`),
    ],
    examples: [
        ["bun run bench --quick", "a look, under a minute"],
        ["bun run bench --scenario one-file small-files --rounds 5", "the two basic scenarios, five rounds"],
        ["bun run bench --json > bench.json", "everything, for scripts"],
    ],
    async run({ flags }) {
        const config = await loadConfig(["databaseUrl", "json"], flags);
        const isQuick = flags.quick === true;
        const named = flags.scenario as string[] | undefined;
        const wanted = named ?? (isQuick ? ["one-file", "small-files"] : scenarios.map(({ name }) => name));
        const rounds = isQuick ? 1 : wholeRounds(String(flags.rounds));
        // Not under TMPDIR's 0700 folders alone: as root the embedded server runs as another account.
        const workDir = mkdtempSync(join(tmpdir(), "sluice-bench-"));
        const dataDir = join(workDir, "data");
        mkdirSync(dataDir);
        const database = await openDatabase({ databaseUrl: config.databaseUrl, dataDir, log: logToStderr });
        const admin = connect(database.target, { applicationName: "bench-admin", max: 1 });
        const reports: ScenarioReport[] = [];
        try {
            const context = {
                target: database.target,
                admin,
                workDir,
                cores: availableParallelism(),
                log: logToStderr,
            };
            for (const scenario of scenarios.filter(({ name }) => wanted.includes(name))) {
                const shaped = isQuick ? quickly(scenario, quickRecords) : scenario;
                reports.push(reportOf(shaped, await runScenario(context, shaped, rounds)));
            }
        } finally {
            await admin.end();
            await database.close();
            rmSync(workDir, { recursive: true, force: true });
        }
        const machine = { cores: availableParallelism(), postgres: database.serverVersion, bun: Bun.version };
        const lines = config.json
            ? [JSON.stringify({ machine, at: new Date().toISOString(), reports }, null, 2)]
            : formatTable(reports.map(reportRow), {
                  header: reportHeader,
                  rightAligned: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
              });
        process.stdout.write(`${lines.join("\n")}\n`);
    },
});

function wholeRounds(text: string): number {
    const rounds = Number(text);
    if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 100) return rounds;
    throw new SluiceError({
        code: "bad_flag_value",
        what: `--rounds "${text}" is no number of rounds.`,
        remedy: "Give a whole number from 1 to 100.",
        exitCode: exitCodes.usage,
    });
}
