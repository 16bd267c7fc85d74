import { join } from "node:path";
import { runCommand } from "../src/commands/command.ts";
import { renderedFiles } from "../src/shop/rendered-files.ts";

await runCommand({
    name: "sql:render",
    summary: "Writes sql/rendered/: the merge of the built-in stream, as the templates in src/streams/render/ give it.",
    examples: [["bun run sql:render", "after a change of a template; a test fails while it has not been done"]],
    async run() {
        for (const [path, text] of renderedFiles()) await Bun.write(join(import.meta.dir, "..", path), text);
    },
});
