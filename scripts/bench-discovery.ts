import { join } from "node:path";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { configOptions } from "../src/config/config.ts";
import { formatTable } from "../src/terminal/table.ts";
import { withFreshDatabase } from "./bench/bench-databases.ts";
import { measureDiscovery } from "./bench/measure-discovery.ts";
import { wholeNumber, withBench } from "./bench/with-bench.ts";

await runCommand({
    name: "bench:discovery",
    summary:
        "A folder full of known files and a long ledger: how soon a new file is in, what a poll and a rescan cost.",
    options: [
        ...configOptions("databaseUrl"),
        new Option("--files <n>", "known files in the folder").default("100000"),
        new Option("--ledger <n>", "files in the ledger, those in the folder among them").default("1000000"),
        new Option("--json <file>", "write every figure there"),
    ],
    examples: [["bun run bench:discovery", "100,000 files in the folder, 1,000,000 in the ledger: about two minutes"]],
    async run({ flags }) {
        const files = wholeNumber("--files", flags.files, { least: 1, most: 1_000_000 });
        const ledgerFiles = wholeNumber("--ledger", flags.ledger, { least: files, most: 100_000_000 });
        await withBench("bench:discovery", flags, async ({ server, admin, workDir, writeJson }) => {
            const inputDir = join(workDir, "input");
            const result = await withFreshDatabase(server, admin, (target) =>
                measureDiscovery({ target, admin, inputDir, files, ledgerFiles }),
            );
            const rows = Object.entries(result).map(([what, value]) => [what, value.toFixed(value < 10 ? 2 : 0)]);
            process.stdout.write(`${formatTable(rows, { rightAligned: [1] }).join("\n")}\n`);
            await writeJson({ files, ledgerFiles, result });
        });
    },
});
