import { InvalidArgumentError, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { formatStatus } from "../src/commands/status/format-status.ts";
import { watchStatus } from "../src/commands/status/watch-status.ts";
import { withDatabase } from "../src/commands/with-database.ts";
import { configOptions, databaseFields, loadConfig } from "../src/config/config.ts";
import { parseDuration } from "../src/config/parse-values.ts";
import { isDrawable } from "../src/environment.ts";
import { readStatus } from "../src/operations/status/read-status.ts";
import { formatJson } from "../src/terminal/json.ts";

const everyMs = 2000;

await runCommand({
    name: "status",
    summary: "Shows what has been read, where it went, and what waits: committed facts of one moment.",
    description:
        "--watch shows it again and again until Ctrl-C: on a terminal in the same place, with --json as a line each time.\n" +
        "While the database is away it says so, and since when.",
    options: [
        new Option("--watch [duration]", "show it again and again (default: every 2s)").argParser(readPause),
        ...configOptions("json", ...databaseFields),
    ],
    examples: [
        ["bun run status", "one screen"],
        ["bun run status --watch", "the same, every two seconds"],
        ["bun run status --json", "the same for programs, as GET /v1/status gives it"],
    ],
    async run({ flags }) {
        const config = await loadConfig([...databaseFields, "json"], flags);
        const { watch } = flags;
        await withDatabase(config, { applicationName: "sluice status" }, async (sql) => {
            if (watch !== undefined) {
                const pauseMs = typeof watch === "number" ? watch : everyMs;
                return await watchStatus({ sql, pauseMs, isDrawn: process.stdout.isTTY && isDrawable(), ...config });
            }
            const status = await readStatus(sql);
            const lines = config.json ? [formatJson(status)] : formatStatus(status, config);
            process.stdout.write(`${lines.join("\n")}\n`);
        });
        return undefined;
    },
});

function readPause(text: string): number {
    const parsed = parseDuration(text, { leastMs: 100 });
    if ("value" in parsed) return parsed.value;
    throw new InvalidArgumentError(`It ${parsed.problem} ${parsed.remedy}`);
}
