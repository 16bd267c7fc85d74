import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { logToStderr } from "../src/commands/log.ts";
import { configOptions, type Flags, loadConfig } from "../src/config/config.ts";
import { connect } from "../src/database/connect.ts";
import { openDatabase } from "../src/database/open-database.ts";
import { dropFilledDatabase } from "./bench/bench-databases.ts";
import { describeMachine } from "./bench/describe-machine.ts";
import { wholeNumber } from "./bench/flags.ts";
import { formatReport, reportOf, type ScenarioReport } from "./bench/report.ts";
import { type BenchContext, runScenario } from "./bench/run-scenario.ts";
import { type RunnerName, runnerNames } from "./bench/runners.ts";
import { resized, scenarios } from "./bench/scenarios.ts";

const quick = { names: ["one-file", "small-files"], records: 100_000, rounds: 1 };
const full = { names: scenarios.map(({ name }) => name), records: 1_000_000, rounds: 3 };

await runCommand({
    name: "bench",
    summary: "Times Sluice against a plain COPY of the same rows into the same table, in turns.",
    description:
        "The yardsticks are COPY of what ends in events, over one connection and over one for each core; they check\n" +
        "nothing. The floors insert the same rows, typed and in key order. Timings on shared machines are noisy: read the\n" +
        "ratios. Works on databases of its own, on an embedded server of its own unless --database-url names one.\n" +
        "A round of a million records takes about 75 s on two cores; the two scenarios of 20 million rows first fill\n" +
        "their table, about four minutes, unless --keep finds it filled.",
    options: [
        ...configOptions("databaseUrl"),
        new Option("--scenario <names...>", "only these").choices(full.names),
        new Option("--only <runners...>", "only these take turns").choices(runnerNames),
        new Option("--rounds <n>", `rounds of each scenario (default: ${full.rounds})`),
        new Option("--records <n>", `records of each scenario (default: ${full.records})`),
        new Option("--quick", `one round of ${quick.names.join(" and ")} with ${quick.records} records: half a minute`),
        new Option("--keep <folder>", "keep the bench's server and its filled tables there, and use them again"),
        new Option("--json <file>", "write every figure of every round there"),
    ],
    examples: [
        ["bun run bench --quick", "a look, under a minute"],
        ["bun run bench --scenario one-file small-files --rounds 5", "the two basic scenarios, five rounds"],
        ["bun run bench --scenario one-file --only sluice copy-1 --records 200000", "while changing the merge"],
        ["bun run bench --scenario into-20m --keep /tmp/bench --json bench.json", "the table is filled once"],
    ],
    async run({ flags }) {
        const config = await loadConfig(["databaseUrl"], flags);
        const plan = planOf(flags);
        const workDir = mkdtempSync(join(tmpdir(), "sluice-bench-"));
        const kept = typeof flags.keep === "string" ? resolve(flags.keep) : null;
        const dataDir = kept ?? join(workDir, "data");
        mkdirSync(dataDir, { recursive: true });
        const database = await openDatabase({ databaseUrl: config.databaseUrl, dataDir, log: logToStderr });
        const admin = connect(database.target, { applicationName: "bench-admin", max: 1 });
        const reports: ScenarioReport[] = [];
        try {
            const context: BenchContext = {
                server: database.target,
                admin,
                workDir,
                cores: availableParallelism(),
                runners: plan.runners,
                log: logToStderr,
            };
            for (const scenario of plan.scenarios) {
                const report = reportOf(scenario, await runScenario(context, scenario, plan.rounds));
                reports.push(report);
                process.stdout.write(`${formatReport(report).join("\n")}\n\n`);
                // Whatever is measured after this one, and however that ends, is written too.
                if (typeof flags.json === "string") {
                    const machine = await describeMachine(admin);
                    const command = ["bun run bench", ...process.argv.slice(2)].join(" ");
                    const written = { command, at: new Date().toISOString(), machine, reports };
                    writeFileSync(flags.json, `${JSON.stringify(written, null, 2)}\n`);
                }
            }
        } finally {
            if (kept === null)
                for (const { existingRecords } of plan.scenarios)
                    if (existingRecords > 0) await dropFilledDatabase(admin, existingRecords);
            await admin.end();
            await database.close();
            rmSync(workDir, { recursive: true, force: true });
        }
    },
});

function planOf(flags: Flags) {
    const preset = flags.quick === true ? quick : full;
    const names = (flags.scenario as string[] | undefined) ?? preset.names;
    const records = wholeNumber("--records", flags.records ?? preset.records, { least: 1000, most: 100_000_000 });
    return {
        scenarios: scenarios.filter(({ name }) => names.includes(name)).map((scenario) => resized(scenario, records)),
        rounds: wholeNumber("--rounds", flags.rounds ?? preset.rounds, { least: 1, most: 100 }),
        runners: runnerNames.filter((name) => ((flags.only as RunnerName[] | undefined) ?? runnerNames).includes(name)),
    };
}
