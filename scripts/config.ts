import { type CommandDefinition, runCommand } from "../src/commands/command.ts";
import { configOptions, gatherConfig, readConfig } from "../src/config/config.ts";
import { explainConfig } from "../src/config/explain-config.ts";
import { describeOrigin } from "../src/config/origin.ts";
import { type SettingName, settings } from "../src/config/settings.ts";
import { program } from "../src/environment.ts";
import { eventsStream } from "../src/shop/events-stream.ts";
import { formatJson } from "../src/terminal/json.ts";
import { formatTable } from "../src/terminal/table.ts";

const names = Object.keys(settings) as SettingName[];

export const command: CommandDefinition = {
    name: "config",
    summary: "Shows every setting, its value here and where it comes from.",
    description:
        "Precedence, highest first: flag, environment variable, .env, sluice.config.ts (export default { settings: { trigger: '2s' } }), default. Passwords and the API token are masked. All faults are reported at once: exit 2 if a flag is at fault, else 3.",
    options: configOptions(...names, "json"),
    examples: [
        [`${program} config`, "a table"],
        [`${program} config --json`, "the same for programs"],
        [`SLUICE_TRIGGER=5s ${program} config --port 8080`, "the settings with these flags"],
    ],
    async run({ flags }) {
        const { given, sources } = await gatherConfig(flags, eventsStream);
        const explained = explainConfig(given);
        if (flags.json === true) {
            const sourceNames = sources.map(({ match }) => match);
            process.stdout.write(`${formatJson({ settings: explained, sources: sourceNames })}\n`);
        } else {
            const rows = explained.map(({ name, flag, value, origin, fault }) => [
                flag ?? name,
                fault === null ? (value ?? "") : `${value ?? ""} (not usable: see below)`,
                describeOrigin(origin),
            ]);
            const lines = formatTable(rows, { header: ["setting", "value", "from"] });
            if (sources.length > 0) {
                const globs = sources.map(({ match }) => match).join(", ");
                lines.push("", `sources of ${given.configFile?.name}: ${globs}`);
            }
            process.stdout.write(`${lines.join("\n")}\n`);
        }
        // Throws one error that names everything wrong; its result is not needed.
        readConfig(names, flags, given.environment, given.configFile);
    },
};

if (import.meta.main) await runCommand(command);
