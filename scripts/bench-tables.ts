import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../src/commands/command.ts";
import { readFigures } from "./bench/read-figures.ts";
import { fillTables } from "./bench/write-tables.ts";

const docsDir = join(import.meta.dir, "../docs");
const page = join(docsDir, "performance_metrics.md");

await runCommand({
    name: "bench:tables",
    summary: "Fills the tables of docs/performance_metrics.md from docs/performance/*.json.",
    description:
        "The JSON is what `bench --json`, `bench:freshness --json` and `bench:discovery --json` write: bench-NAME.json, " +
        "freshness-NAME.json and discovery.json.",
    examples: [["bun run bench:tables", "after new figures were put there"]],
    async run() {
        const figures = readFigures(join(docsDir, "performance"));
        writeFileSync(page, fillTables(readFileSync(page, "utf8"), figures));
        return 0;
    },
});
