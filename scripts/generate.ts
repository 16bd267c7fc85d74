/** `bun run generate`: writes files of invented events into a folder. */
import { Option } from "commander";
import { type CommandDefinition, runCommand } from "../src/commands/command.ts";
import { isDrawable, program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { findOptionFaults, generatorFlags, readGeneratorFlags, refuseFaults } from "../src/shop/generator/options.ts";
import { drawSeed } from "../src/shop/generator/random.ts";
import { runGenerator } from "../src/shop/generator/run-generator.ts";
import { formatBytes, formatCount } from "../src/terminal/format.ts";
import { createProgress } from "../src/terminal/progress.ts";
import { exitCodeOf, onStopSignal, type StopSignal } from "../src/terminal/stop-signals.ts";

export const command: CommandDefinition = {
    name: "generate",
    summary: "Writes CSV files of generated shop events, one after the other.",
    description:
        "A file appears whole and never replaces another. The same seed gives the same records; with --start-time also the same bytes and file names.",
    options: [...generatorFlags, new Option("--json", "print what was written as JSON on stdout")],
    examples: [
        [`${program} generate`, "a file every two seconds, until Ctrl-C"],
        [`${program} generate --files 200 --sleep 0 --dirty 0.1 --duplicates 0.1`, "200 files with faults in them"],
        [`${program} generate --files 1 --min-records 1000000 --max-records 1000000`, "one file of a million records"],
        [`${program} generate --seed 7 --start-time 2024-05-01T12:00:00Z --files 3`, "the same three files each time"],
    ],
    async run({ flags }) {
        const { options, faults } = readGeneratorFlags(flags, drawSeed());
        refuseFaults([...faults, ...findOptionFaults(options, new Date())]);

        const controller = new AbortController();
        let stoppedBy: StopSignal | undefined;
        const ignoreSignals = onStopSignal({
            stop(signal) {
                stoppedBy = signal;
                controller.abort();
            },
        });
        const startedAt = performance.now();
        const progress = createProgress({ label: "generate", isDrawable: isDrawable() });
        let files = 0;
        const written = await runGenerator(options, {
            signal: controller.signal,
            onFile({ name, records, bytes }) {
                files += 1;
                progress.update({ done: files, total: options.files || null, unit: "files" });
                // Without a pause they would only scroll by.
                if (options.sleepSeconds === 0) return;
                progress.log(`${name}  ${formatCount(records, "record")}  ${formatBytes(bytes)}`);
            },
        }).finally(() => progress.end());
        ignoreSignals();
        const seconds = Math.round(performance.now() - startedAt) / 1000;
        const { outputDir, seed } = options;
        const amount = `${formatCount(written.files, "file")} of ${formatCount(written.records, "record")}`;
        return {
            lines: [`Wrote ${amount} to ${outputDir} in ${seconds.toFixed(1)} s (--seed ${seed}).`],
            json: { ...written, outputDir, seconds, seed },
            exitCode: stoppedBy === undefined ? exitCodes.done : exitCodeOf(stoppedBy),
        };
    },
};

if (import.meta.main) await runCommand(command);
