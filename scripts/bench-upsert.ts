import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { configOptions } from "../src/config/config.ts";
import { measureUpsert } from "./bench/measure-upsert.ts";
import { wholeNumber, withBench } from "./bench/with-bench.ts";

await runCommand({
    name: "bench:upsert",
    summary: "Times an upsert against `merge into` from a ready table over one connection, in turns.",
    description:
        "A table of so many rows, and a file of as many records: half of them have a known key, and half of those a higher " +
        "version. The yardstick has the same records typed and checked in a table. Read the ratio of the CPU of the server.",
    options: [
        ...configOptions("databaseUrl"),
        new Option("--rounds <n>", "rounds (default: 3)"),
        new Option("--records <n>", "records, and rows before (default: 1000000)"),
        new Option("--json <file>", "write every figure of every round there"),
    ],
    examples: [["bun run bench:upsert --records 100000 --rounds 1", "a look"]],
    async run({ flags }) {
        const records = wholeNumber("--records", flags.records ?? 1_000_000, { least: 1000, most: 100_000_000 });
        const rounds = wholeNumber("--rounds", flags.rounds ?? 3, { least: 1, most: 100 });
        await withBench("bench:upsert", flags, async (bench) => {
            const done = [];
            for (let round = 0; round < rounds; round += 1) {
                const figures = await measureUpsert(bench, records, round);
                done.push(figures);
                const { merge, sluice, ratio } = figures;
                process.stdout.write(
                    `round ${round + 1}: merge into ${merge.cpuSeconds.toFixed(2)} s of CPU in ${merge.seconds.toFixed(2)} s, ` +
                        `Sluice's merges ${sluice.mergeCpuSeconds.toFixed(2)} s, its COPY ${sluice.copyCpuSeconds.toFixed(2)} s, in ` +
                        `${sluice.seconds.toFixed(2)} s: merges to merge into ${ratio.toFixed(2)}\n`,
                );
            }
            await bench.writeJson({ records, rounds: done });
        });
    },
});
