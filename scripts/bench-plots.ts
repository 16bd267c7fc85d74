import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../src/commands/command.ts";
import { drawPlots } from "./bench/plots/draw-plots.ts";
import { readFigures } from "./bench/plots/figures.ts";
import { fillTables } from "./bench/plots/write-tables.ts";

const docsDir = join(import.meta.dir, "../docs");
const figuresDir = join(docsDir, "performance");
const page = join(docsDir, "performance_metrics.md");

await runCommand({
    name: "bench:plots",
    summary: "Draws the plots and fills the tables of docs/performance_metrics.md from docs/performance/*.json.",
    description:
        "The JSON is what `bench --json`, `bench:freshness --json` and `bench:discovery --json` write: bench-NAME.json,\n" +
        "freshness-NAME.json and discovery.json.",
    examples: [["bun run bench:plots", "after new figures were put there"]],
    async run() {
        const figures = readFigures(figuresDir);
        for (const [name, drawing] of Object.entries(drawPlots(figures)))
            writeFileSync(join(figuresDir, name), drawing);
        writeFileSync(page, fillTables(readFileSync(page, "utf8"), figures));
        return 0;
    },
});
