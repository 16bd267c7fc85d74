import { type CommandDefinition, runCommand } from "../src/commands/command.ts";
import { initFolder } from "../src/commands/init/init-folder.ts";
import { configOptions, loadConfig } from "../src/config/config.ts";
import { program } from "../src/environment.ts";

export const command: CommandDefinition = {
    name: "init",
    summary: "Creates the files and folders that Sluice uses in the current folder.",
    description:
        "sluice.config.ts with the settings as comments, .env for the database, .gitignore, streams/ and the input folder. " +
        "It changes nothing that exists. You can also start without it: every setting has a default.",
    options: configOptions("inputDir", "json"),
    examples: [
        [`${program} init`, "here, with data/input_data for CSV files"],
        [`${program} init --input inbox`, "CSV files will be in inbox"],
    ],
    async run({ flags }) {
        const { inputDir } = await loadConfig(["inputDir"], flags);
        return initFolder(inputDir, { isNamed: flags.input !== undefined });
    },
};

if (import.meta.main) await runCommand(command);
