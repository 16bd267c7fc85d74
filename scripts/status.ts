import { configOptions, databaseFields, loadConfig } from "../src/config.ts";
import { formatStatus } from "../src/status/format-status.ts";
import { readStatus } from "../src/status/read-status.ts";
import { runCommand } from "../src/terminal/command.ts";
import { withDatabase } from "../src/terminal/with-database.ts";

await runCommand({
    name: "status",
    summary: "Shows what has been read, where it went, and what waits: committed facts of one moment.",
    options: configOptions("json", ...databaseFields),
    examples: [
        ["bun run status", "one screen"],
        ["bun run status --json", "the same for programs, as GET /v1/status gives it"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const status = await withDatabase(config, { applicationName: "sluice status" }, (sql) => readStatus(sql));
        const lines = config.json ? [JSON.stringify(status, null, 2)] : formatStatus(status, config);
        process.stdout.write(`${lines.join("\n")}\n`);
    },
});
