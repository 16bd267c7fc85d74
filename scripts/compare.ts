import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { configOptions } from "../src/config/config.ts";
import { formatTable } from "../src/terminal/table.ts";
import { scriptLoader, sluiceLoader } from "../tests/compare/loaders.ts";
import { addLosses, describeLosses, runComparison } from "../tests/compare/run-comparison.ts";
import { createBareDatabase, createTestDatabase } from "../tests/support/database.ts";

await runCommand({
    name: "compare",
    summary:
        "Gives Sluice and the script that people write first the same files, kills both, and counts what became of each record.",
    description:
        "The script is docs/compare/load-csv.ts. Both work on databases of their own, which are dropped at the end.",
    options: [new Option("--seed <number>", "when they are killed").default("7"), ...configOptions("json")],
    examples: [
        ["bun run compare", "the table of docs/compare/README.md"],
        ["bun run compare --seed 8 --json", "killed at other moments; for programs"],
    ],
    async run({ flags }) {
        const seed = Number(flags.seed);
        if (!Number.isInteger(seed)) {
            throw refuse("bad_flag_value", `--seed "${flags.seed}" is no whole number.`, "Give one, such as 7.");
        }
        const folders = ["script", "sluice"].map((name) => mkdtempSync(join(tmpdir(), `compare-${name}-`)));
        const [bare, migrated] = [
            await createBareDatabase(import.meta.path),
            await createTestDatabase(import.meta.path),
        ];
        try {
            process.stderr.write("Thirteen deliveries to each; half a minute.\n");
            const compared = await runComparison(
                scriptLoader(bare, folders[0]!),
                sluiceLoader(migrated, folders[1]!),
                seed,
            );
            const total = {
                script: addLosses(compared.map(({ script }) => script)),
                sluice: addLosses(compared.map(({ sluice }) => sluice)),
            };
            const rows = [...compared, { name: "together", ...total }].map(({ name, script, sluice }) => [
                name,
                describeLosses(script),
                describeLosses(sluice),
            ]);
            return {
                lines: formatTable(rows, { header: ["delivered", "script", "Sluice"] }),
                json: { deliveries: compared, total },
            };
        } finally {
            await bare.drop();
            await migrated.drop();
            for (const folder of folders) rmSync(folder, { recursive: true, force: true });
        }
    },
});
