import { InvalidArgumentError, Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { formatStatus } from "../src/commands/status/format-status.ts";
import { watchStatus } from "../src/commands/status/watch-status.ts";
import { chooseStream, streamOption } from "../src/commands/streams/choose-stream.ts";
import { parseDuration } from "../src/config/parse-values.ts";
import { isDrawable, program } from "../src/environment.ts";
import { readStatus } from "../src/operations/status/read-status.ts";

const everyMs = 2000;

export const command = databaseCommand({
    name: "status",
    summary: "Shows what was read, what became of it, and what is waiting.",
    description:
        "--watch repeats it until Ctrl-C: in place on a terminal, one line each time with --json. If the database is unreachable, it says so, and since when.",
    options: [new Option("--watch [duration]", "repeat it (default: every 2s)").argParser(readPause), streamOption()],
    examples: [
        [`${program} status`, "one screen"],
        [`${program} status --watch`, "again every two seconds"],
        [`${program} status --stream orders`, "one stream"],
        [`${program} status --json`, "the same for programs, as GET /v1/status gives it"],
    ],
    async run({ flags, config, inDatabase }) {
        const { watch } = flags;
        return await inDatabase(async (sql) => {
            const streamId = (await chooseStream(sql, flags))?.streamId ?? null;
            if (watch !== undefined) {
                const pauseMs = typeof watch === "number" ? watch : everyMs;
                return await watchStatus({
                    sql,
                    streamId,
                    pauseMs,
                    isDrawn: process.stdout.isTTY && isDrawable(),
                    ...config,
                });
            }
            const status = await readStatus(sql, streamId);
            return { lines: formatStatus(status, config), json: status };
        });
    },
});

if (import.meta.main) await runCommand(command);

function readPause(text: string): number {
    const parsed = parseDuration(text, { leastMs: 100 });
    if ("value" in parsed) return parsed.value;
    throw new InvalidArgumentError(`It ${parsed.problem} ${parsed.remedy}`);
}
