import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { logToStderr } from "../src/commands/log.ts";
import { configOptions } from "../src/config/config.ts";
import { withFreshDatabase } from "./bench/bench-databases.ts";
import { runPace } from "./bench/pace/run-pace.ts";
import type { PaceReport } from "./bench/read-figures.ts";
import { keepOption, wholeNumber, withBench } from "./bench/with-bench.ts";
import { formatPaces } from "./bench/write-tables.ts";

await runCommand({
    name: "bench:freshness",
    summary: "Files arrive at an even pace: how long from a file's rename until another connection sees its rows.",
    description:
        "Also whether it keeps up, what it takes of the machine, and with --clients what the API answers meanwhile: each " +
        "client asks once a second, in turns /v1/stats, /v1/status and /v1/events. Works on databases of its own.",
    options: [
        ...configOptions("databaseUrl"),
        new Option("--rate <records...>", "records a second, one run for each").default(["1000", "20000"]),
        new Option("--trigger <when...>", "one run for each").default(["1s", "continuous"]),
        new Option("--files-per-second <n>", "files they come in").default("10"),
        new Option("--seconds <n>", "how long each run lasts").default("30"),
        new Option("--clients <n>", "clients of the API").default("0"),
        new Option("--existing <rows>", "rows in the table before").default("0"),
        keepOption,
        new Option("--json <file>", "write every figure there"),
    ],
    examples: [
        ["bun run bench:freshness --rate 1000", "both triggers at 1,000 records/s"],
        ["bun run bench:freshness --rate 20000 --trigger 1s --seconds 300", "whether it keeps up for five minutes"],
        [
            "bun run bench:freshness --rate 20000 --trigger 1s --clients 50 --existing 20000000 --keep /tmp/bench",
            "and what the API answers meanwhile",
        ],
    ],
    async run({ flags }) {
        const bounds = { least: 1, most: 1_000_000 };
        const rates = (flags.rate as string[]).map((rate) => wholeNumber("--rate", rate, bounds));
        const seconds = wholeNumber("--seconds", flags.seconds, { least: 5, most: 86_400 });
        const filesPerSecond = wholeNumber("--files-per-second", flags.filesPerSecond, { least: 1, most: 1000 });
        const clients = wholeNumber("--clients", flags.clients, { least: 0, most: 1000 });
        const existingRecords = wholeNumber("--existing", flags.existing, { least: 0, most: 1_000_000_000 });
        const plans = rates.flatMap((recordsPerSecond) =>
            (flags.trigger as string[]).map((trigger) => ({
                recordsPerSecond,
                filesPerSecond,
                seconds,
                trigger,
                clients,
            })),
        );
        const reports: PaceReport[] = [];
        await withBench("bench:freshness", flags, async ({ server, admin, workDir, openFilled, writeJson }) => {
            const filled = existingRecords > 0 ? await openFilled(existingRecords) : null;
            for (const plan of plans) {
                logToStderr(`${plan.recordsPerSecond} records/s, --trigger ${plan.trigger}, ${seconds} s`);
                const work = { ...plan, workDir };
                const result = filled
                    ? await runPace(filled, admin, work)
                    : await withFreshDatabase(server, admin, (target) => runPace(target, admin, work));
                reports.push({ plan, existingRecords, ...result });
                await writeJson({ reports });
            }
        });
        process.stdout.write(`${formatPaces(reports).join("\n")}\n`);
    },
});
