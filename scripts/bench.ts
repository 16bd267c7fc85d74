import { availableParallelism } from "node:os";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { configOptions, type Flags } from "../src/config/config.ts";
import { formatReport, reportOf, type ScenarioReport } from "./bench/report.ts";
import { runScenario } from "./bench/run-scenario.ts";
import { type RunnerName, runnerNames } from "./bench/runners.ts";
import { resized, scenarios } from "./bench/scenarios.ts";
import { keepOption, wholeNumber, withBench } from "./bench/with-bench.ts";

const quick = { names: ["one-file", "small-files"], records: 100_000, rounds: 1 };
const full = { names: scenarios.map(({ name }) => name), records: 1_000_000, rounds: 3 };

await runCommand({
    name: "bench",
    summary: "Times Sluice against a plain COPY of the same rows into the same table, in turns.",
    description:
        "The yardsticks are COPY of what ends in events, over one connection and over one for each core; they check " +
        "nothing. The floors insert the same rows, typed and in key order. Timings on shared machines are noisy: read the " +
        "ratios. Works on databases of its own, on an embedded server of its own unless --database-url names one. " +
        "A round of a million records takes about 75 s on two cores; the two scenarios of 20 million rows first fill " +
        "their table, about four minutes, unless --keep finds it filled.",
    options: [
        ...configOptions("databaseUrl"),
        new Option("--scenario <names...>", "only these").choices(full.names),
        new Option("--only <runners...>", "only these take turns").choices(runnerNames),
        new Option("--rounds <n>", `rounds of each scenario (default: ${full.rounds})`),
        new Option("--records <n>", `records of each scenario (default: ${full.records})`),
        new Option("--quick", `one round of ${quick.names.join(" and ")} with ${quick.records} records: half a minute`),
        keepOption,
        new Option("--json <file>", "write every figure of every round there"),
    ],
    examples: [
        ["bun run bench --quick", "a look, under a minute"],
        ["bun run bench --scenario one-file small-files --rounds 5", "the two basic scenarios, five rounds"],
        ["bun run bench --scenario one-file --only sluice copy-1 --records 200000", "while changing the merge"],
        ["bun run bench --scenario into-20m --keep /tmp/bench --json bench.json", "the table is filled once"],
    ],
    async run({ flags }) {
        const { runners, rounds, ...plan } = planOf(flags);
        await withBench("bench", flags, async (bench) => {
            const context = { ...bench, cores: availableParallelism(), runners };
            const reports: ScenarioReport[] = [];
            for (const scenario of plan.scenarios) {
                const report = reportOf(scenario, await runScenario(context, scenario, rounds));
                reports.push(report);
                process.stdout.write(`${formatReport(report).join("\n")}\n\n`);
                // Written after each scenario, so that a later failure loses none.
                await bench.writeJson({ reports });
            }
        });
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
